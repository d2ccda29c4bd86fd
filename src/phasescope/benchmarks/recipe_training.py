"""Training as diffusers' unconditional example trains, on labelled images that are rendered.

Of `examples/unconditional_image_generation/train_unconditional.py` and the tutorial `basic_training` (diffusers 0.42) are
the optimiser, the cosine with warm-up, the batch, the clipping, the averaged weights, the noise and the loss

    |network(x_t, t, label) - eps|^2 / pixels,    x_t = alpha_t x_0 + sigma_t eps,

all by diffusers' own classes. The network is its UNet2DModel, with the tutorial's two layers a block, at the multipliers
(1, 2, 2) and as large as asked for. It hears the label as a class embedding, which a two-layer network like that of its
timesteps makes.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from phasescope.networks.embeddings import label_encoding
from phasescope.randomness import derive, torch_generator
from phasescope.training.data import LabelStream

LEARNING_RATE, BETAS, WEIGHT_DECAY, EPSILON = 1e-4, (0.95, 0.999), 1e-6, 1e-8
WARMUP_STEPS, BATCH, CLIP, NOISE_LEVELS = 500, 16, 1.0, 1000
EMA = {"decay": 0.9999, "use_ema_warmup": True, "inv_gamma": 1.0, "power": 0.75}

TOLERANCE = 0.05
"""largest share by which the network's parameters may differ from those asked for"""
MOST_GROUPS = 8
ENCODING_WIDTH, ENCODING_BASE = 64, 10_000.0

LabelInput = Literal["scaled", "encoded"]
Widths = tuple[int, int, int]


@dataclass(frozen=True)
class Mode:
    """How a training computes: arithmetic of the forward and backward pass, and layout of memory."""

    precision: Literal["float32", "bfloat16"]
    layout: Literal["contiguous", "channels_last"]

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.layout == "channels_last" else torch.contiguous_format


MODES = tuple(
    Mode(precision, layout)
    for precision in ("float32", "bfloat16")
    for layout in ("contiguous", "channels_last")
)


class LabelledUNet(nn.Module):
    """diffusers' UNet2DModel as `network(x_t, t, labels)`; its tap `mid` is the output of its middle block.

    Args:
        widths: channels of the three levels.
        canvas: side of the images, px.
        label_input: what the label's two-layer network is given: the factors scaled to [-1, 1], or the positional encodings
            that phasescope's own networks hear.
    """

    def __init__(self, widths: Widths, canvas: int, label_input: LabelInput = "scaled"):
        from diffusers import UNet2DModel

        super().__init__()
        self.canvas, self.label_input, self.widths = canvas, label_input, widths
        self.unet: Any = UNet2DModel(
            sample_size=canvas,
            in_channels=1,
            out_channels=1,
            layers_per_block=2,
            block_out_channels=widths,
            down_block_types=("DownBlock2D",) * 3,
            up_block_types=("UpBlock2D",) * 3,
            add_attention=False,
            norm_num_groups=groups(widths),
            resnet_time_scale_shift="scale_shift",
            class_embed_type="identity",
        )
        width, inputs = 4 * widths[0], 2 if label_input == "scaled" else 2 * ENCODING_WIDTH
        self.embed = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))

    def encoded(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B F"]:
        """What the label's network is given."""
        if self.label_input == "scaled":
            return 2 * labels / self.canvas - 1
        return label_encoding(labels, ENCODING_WIDTH, ENCODING_BASE)

    def forward(
        self, x_t: Float[Tensor, "B 1 H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B 2"]
    ) -> Float[Tensor, "B 1 H W"]:
        return self.unet(x_t, t, class_labels=self.embed(self.encoded(labels))).sample

    def tap(self, name: str) -> nn.Module:
        """Raises KeyError where `name` is not `mid`."""
        return {"mid": self.unet.mid_block}[name]


def groups(widths: Widths) -> int:
    """The most groups, up to 8, that divide each width."""
    common = math.gcd(*widths)
    return max(count for count in range(1, MOST_GROUPS + 1) if common % count == 0)


def nearest_widths(parameters: int, canvas: int, label_input: LabelInput = "scaled") -> Widths:
    """Widths (a, b, b) of a `LabelledUNet` of as many parameters, within 5 %, b as near to 2a as may be.

    Multiples of 8, which convolutions on a CPU are quickest with, come before multiples of 4, of 2 and others.

    Raises:
        ValueError: none is within 5 %.
    """

    def count(widths: Widths) -> int:
        with torch.device("meta"):
            return parameters_of(LabelledUNet(widths, canvas, label_input))

    guess = 32 * math.sqrt(parameters / count((32, 64, 64)))
    for multiple in (8, 4, 2, 1):
        bases = range(multiple, math.ceil(1.5 * guess) + multiple, multiple)
        fitting = []
        for a in (a for a in bases if a > 0.6 * guess):
            for b in range(multiple * math.ceil(1.5 * a / multiple), math.floor(2.5 * a) + 1, multiple):
                off = abs(count((a, b, b)) / parameters - 1)
                if off <= TOLERANCE:
                    fitting.append((abs(b / a - 2), off, (a, b, b)))
        if fitting:
            return min(fitting)[2]
    raise ValueError(f"`parameters` (={parameters}) must be those of some network, within {TOLERANCE:.0%}")


def parameters_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


class RecipeTraining:
    """All that training changes, and its step.

    Args:
        widths, label_input: the network's.
        world: has `canvas`, `training_labels() -> (M, 2)` and `render(labels) -> (B, 1, N, N)`.
        mode: how it computes.
        steps: gradient steps that the cosine spans.
        seed: weights, batches and noise derive from (seed, purpose, step).
    """

    def __init__(
        self,
        widths: Widths,
        label_input: LabelInput,
        world,
        mode: Mode,
        steps: int,
        seed: int,
        device: torch.device,
    ):
        from diffusers import DDPMScheduler
        from diffusers.training_utils import EMAModel

        self.world, self.mode, self.steps, self.seed, self.device = world, mode, steps, seed, device
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive(seed, "weights"))
            self.network = LabelledUNet(widths, world.canvas, label_input)
        self.network.to(device).to(memory_format=mode.memory_format)  # pyrefly: ignore
        self.noising: Any = DDPMScheduler(num_train_timesteps=NOISE_LEVELS)
        self.stream = LabelStream(torch.from_numpy(world.training_labels()).to(device), BATCH, seed)
        self.parameters = list(self.network.parameters())
        self.optimiser = torch.optim.AdamW(
            self.parameters, LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY, fused=True
        )
        self.ema = EMAModel(self.parameters, **EMA, foreach=True)
        self._stand_at(0)

    @property
    def images_seen(self) -> int:
        return self.step * BATCH

    def learn(self) -> float:
        """Take one step; the loss."""
        labels = self.stream.at(self.step)
        x_0 = self.world.render(labels)
        generator = torch_generator(self.seed, "noise", self.step, str(self.device))
        noise = torch.randn(x_0.shape, generator=generator, device=self.device)
        t = torch.randint(NOISE_LEVELS, (BATCH,), generator=generator, device=self.device)
        x_t = self.noising.add_noise(x_0, noise, t).contiguous(memory_format=self.mode.memory_format)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mode.precision == "bfloat16"):
            loss = F.mse_loss(self.network(x_t, t, labels).float(), noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad()
        self.ema.step(self.parameters)
        self.step += 1
        return loss.item()

    def averaged(self) -> nn.Module:
        """A copy of the network with the averaged weights."""
        average = copy.deepcopy(self.network)
        self.ema.copy_to(average.parameters())
        return average

    def tensors(self) -> dict[str, Tensor]:
        """The whole state but the step, as flat named tensors."""
        moments = self.optimiser.state_dict()["state"]
        return {
            **{f"network.{i}": parameter.detach() for i, parameter in enumerate(self.parameters)},
            **{f"average.{i}": average for i, average in enumerate(self.ema.shadow_params)},
            **{f"optimiser.{i}.{key}": tensor for i, of in moments.items() for key, tensor in of.items()},
        }

    def load(self, tensors: dict[str, Tensor], step: int) -> None:
        """Take up the state that `tensors` gave after `step` steps."""
        moments: dict[int, dict[str, Tensor]] = {}
        for i, parameter in enumerate(self.parameters):
            parameter.data.copy_(tensors[f"network.{i}"])
            self.ema.shadow_params[i].copy_(tensors[f"average.{i}"])
            for key in ("step", "exp_avg", "exp_avg_sq") if step else ():
                tensor = tensors[f"optimiser.{i}.{key}"]
                # The fused update walks through weights and moments side by side: their layouts must be one.
                moment = tensor if key == "step" else torch.empty_like(parameter).copy_(tensor)
                moments.setdefault(i, {})[key] = moment.detach()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        self.ema.optimization_step = step
        self._stand_at(step)

    def _stand_at(self, step: int) -> None:
        from diffusers.optimization import get_cosine_schedule_with_warmup

        for group in self.optimiser.param_groups:
            group["initial_lr"] = LEARNING_RATE
        self.schedule = get_cosine_schedule_with_warmup(
            self.optimiser, WARMUP_STEPS, self.steps, last_epoch=step - 1
        )
        self.step = step
