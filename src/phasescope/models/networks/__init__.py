"""Networks: function approximators ``network(x_t, t, labels)`` with named layers."""

from typing import TYPE_CHECKING, Any

from phasescope.core.kinds import open_union
from phasescope.models.networks.base import NetworkConfig, WatchedConfig
from phasescope.models.networks.convnet.config import ConvNetConfig
from phasescope.models.networks.module import ModuleConfig
from phasescope.models.networks.unet.config import UNetConfig

__all__ = [
    "USUAL",
    "AnyNetwork",
    "ConvNetConfig",
    "NetworkConfig",
    "UNetConfig",
]

AnyNetwork: Any = (
    NetworkConfig
    if TYPE_CHECKING
    else open_union(UNetConfig | ConvNetConfig | WatchedConfig, NetworkConfig, ModuleConfig)
)
"""the annotation of a configuration's network"""
USUAL: NetworkConfig = UNetConfig()
"""the default network"""
