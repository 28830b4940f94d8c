"""Random crop of a zero-padded image and mirroring, of images and of what is remembered of them, by batched gathers.

Stores are bytes (M, 32, 32, 3): a pixel's channels lie together, and what is read is channels-last without a copy.
"""
import torch
import torch.nn.functional as F

SIZE = 32


class Views:
    """How a store's images may be seen: moved by up to `crop` pixels, mirrored in half of the cases if `flip`."""

    def __init__(self, crop, flip):
        self.crop, self.flip = crop, flip
        self.padded = SIZE + 2 * crop
        self.base = torch.arange(SIZE)

    def draw(self, n):
        """(n * 32 * 32): where each pixel of n views lies among the pixels of n padded images."""
        rows = self.base + torch.randint(0, 2 * self.crop + 1, (n, 1))
        mirrored = (torch.rand(n, 1) < 0.5) & self.flip
        columns = torch.where(mirrored, SIZE - 1 - self.base, self.base) + torch.randint(0, 2 * self.crop + 1, (n, 1))
        image = torch.arange(n)[:, None, None] * self.padded**2
        return (image + rows[:, :, None] * self.padded + columns[:, None, :]).flatten()

    def pixels(self, store, index):
        """(n * padded * padded, 3): the padded images' own pixels."""
        c = self.crop
        return F.pad(store.index_select(0, index), (0, 0, c, c, c, c)).view(-1, 3)

    def read(self, store, index, places, scale):
        """(n, 3, 32, 32) float32, channels-last."""
        seen = self.pixels(store, index).index_select(0, places)
        return seen.view(-1, SIZE, SIZE, 3).permute(0, 3, 1, 2).float().mul_(scale)

    def write(self, store, index, places, values, scale):
        """The inverse; pixels that the crop hid keep what they had."""
        levels = values.permute(0, 2, 3, 1).mul(1 / scale).round_().clamp_(-127, 127).to(torch.int8)
        pixels = self.pixels(store, index).index_copy_(0, places, levels.reshape(-1, 3))
        c = self.crop
        images = pixels.view(-1, self.padded, self.padded, 3)[:, c : c + SIZE, c : c + SIZE]
        store.index_copy_(0, index, images)
