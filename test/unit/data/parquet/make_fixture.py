"""Writes the Parquet files of parquet.test.ts as Hugging Face's `datasets` does (datasets 5.2.0, pyarrow 26.0.1).

Six PNG images of 2 x 3 pixels in two shards: image i has the colour (40 i, 255 - 40 i, 7), its label is i modulo 3.
Usage: python make_fixture.py FOLDER
"""

import io
import sys

from datasets import ClassLabel, Dataset, Features, Image
from PIL import Image as Picture


def png(i):
    buffer = io.BytesIO()
    Picture.new("RGB", (3, 2), (40 * i, 255 - 40 * i, 7)).save(buffer, "PNG")
    return buffer.getvalue()


features = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog", "owl"])})
rows = {"image": [{"bytes": png(i), "path": f"{i}.png"} for i in range(6)], "label": [i % 3 for i in range(6)]}
whole = Dataset.from_dict(rows, features=features)
for shard in range(2):
    part = whole.select(range(4 * shard, min(6, 4 * shard + 4)))
    part.to_parquet(f"{sys.argv[1]}/train-0000{shard}-of-00002.parquet", batch_size=3)
