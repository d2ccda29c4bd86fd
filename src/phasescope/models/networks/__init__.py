"""Networks: function approximators ``network(x_t, t, labels)`` with named layers."""

from typing import TYPE_CHECKING, Any

from phasescope.core.built_in_kinds import built_in_kinds
from phasescope.core.kinds import open_union
from phasescope.models.networks.base import NetworkConfig
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
    else open_union(
        built_in_kinds(__name__, NetworkConfig, UNetConfig, files=False), NetworkConfig, ModuleConfig
    )
)
"""the annotation of a configuration's network: any whose folder lies here, or one of your own"""
USUAL: NetworkConfig = UNetConfig()
"""the default network"""
