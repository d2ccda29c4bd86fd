"""Networks: function approximators ``network(x_t, t, labels)`` with named taps."""

from typing import TYPE_CHECKING, Any

from phasescope.kinds import open_union
from phasescope.networks.base import NetworkConfig, WatchedConfig
from phasescope.networks.convnet.config import ConvNetConfig
from phasescope.networks.linear.config import CirculantConfig, LinearConfig
from phasescope.networks.module import ModuleConfig
from phasescope.networks.unet.config import UNetConfig

__all__ = ["USUAL", "AnyNetwork", "NetworkConfig"]

AnyNetwork: Any = (
    NetworkConfig
    if TYPE_CHECKING
    else open_union(
        UNetConfig | ConvNetConfig | LinearConfig | CirculantConfig | WatchedConfig,
        NetworkConfig,
        ModuleConfig,
    )
)
"""the annotation of a configuration's network"""
USUAL: NetworkConfig = UNetConfig()
"""where nobody says which"""
