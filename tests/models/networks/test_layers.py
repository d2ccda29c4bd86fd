import pytest
import torch
from torch.nn import functional as F

from phasescope.models.networks.layers import ResidualLayer, SelfAttention, upsampled, upsampled_along

PADDINGS = ["zeros", "reflect", "replicate", "circular"]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def fresh(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def residual(c_in, c_out, modulation):
    return fresh(
        lambda: ResidualLayer(c_in, c_out, embedding=6, modulation=modulation, groups=2, padding="zeros")
    )


@pytest.mark.parametrize("modulation", ["added", "scale_shift"])
@pytest.mark.parametrize("c_out", [4, 8])
def test_without_its_second_convolution_a_residual_layer_carries_its_input(modulation, c_out):
    layer = residual(4, c_out, modulation)
    torch.nn.init.zeros_(layer.conv2.weight)
    torch.nn.init.zeros_(layer.conv2.bias)
    h = noise(3, 4, 5, 5)
    expected = h if c_out == 4 else layer.carry(h)
    assert torch.equal(layer(h, noise(3, 6)), expected)


def test_added_is_a_shift_before_the_norm_and_scale_shift_an_affine_map_after_it():
    h, e = noise(3, 4, 5, 5), noise(3, 6, seed=1)
    added = residual(4, 8, "added")
    m = added.modulate(e)[..., None, None]
    r = added.norm2(added.conv1(F.silu(added.norm1(h))) + m)
    torch.testing.assert_close(added(h, e), added.carry(h) + added.conv2(F.silu(r)))

    affine = residual(4, 8, "scale_shift")
    scale, shift = affine.modulate(e)[..., None, None].split(8, dim=1)
    r = affine.norm2(affine.conv1(F.silu(affine.norm1(h)))) * (1 + scale) + shift
    torch.testing.assert_close(affine(h, e), affine.carry(h) + affine.conv2(F.silu(r)))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_the_softmax_of_scaled_products(heads):
    attention = fresh(lambda: SelfAttention(8, heads)).double()
    h = noise(2, 8, 3, 5).double()
    tokens = h.flatten(2).mT
    q, k, v = (part.view(2, 15, heads, -1) for part in attention.qkv(attention.norm1(tokens)).split(8, dim=2))
    weights = torch.einsum("bqhd,bkhd->bhqk", q, k).div((8 / heads) ** 0.5).softmax(dim=3)
    mixed = torch.einsum("bhqk,bkhd->bqhd", weights, v).reshape(2, 15, 8)
    tokens = tokens + attention.project(mixed)
    tokens = tokens + attention.mlp(attention.norm2(tokens))
    torch.testing.assert_close(attention(h), tokens.mT.view(2, 8, 3, 5))


def test_attention_knows_no_places():
    attention = fresh(lambda: SelfAttention(8, 2))
    h = noise(2, 8, 4, 4)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    permuted = h.flatten(2)[:, :, order].view_as(h)
    torch.testing.assert_close(attention(permuted), attention(h).flatten(2)[:, :, order].view_as(h))


@pytest.mark.parametrize("padding", PADDINGS)
def test_doubling_keeps_constants_and_inner_ramps(padding):
    constant = torch.full((1, 1, 4, 6), 0.7)
    torch.testing.assert_close(upsampled(constant, padding), torch.full((1, 1, 8, 12), 0.7))
    ramp = torch.arange(6.0).expand(1, 1, 4, 6)
    expected = (torch.arange(12) - 0.5) / 2
    torch.testing.assert_close(upsampled(ramp, padding)[0, 0, 3, 1:-1], expected[1:-1])


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (1, 2, 5, 7), (2, 1, 1, 3)])
def test_upsampled_along_is_torchs_interpolation_by_two_and_so_is_its_gradient(shape):
    h = noise(*shape).requires_grad_()
    mine = upsampled_along(upsampled_along(h, 2), 3)
    torchs = torch.nn.functional.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(mine, torchs)
    weights = noise(*mine.shape)
    gradients = [torch.autograd.grad((weights * doubled).sum(), h)[0] for doubled in (mine, torchs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_doubling_a_torus_shifts_with_it(size):
    h = noise(1, 2, size, size)
    torch.testing.assert_close(
        upsampled(h.roll((1, -1), (2, 3)), "circular"), upsampled(h, "circular").roll((2, -2), (2, 3))
    )
