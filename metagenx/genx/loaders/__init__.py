"""Data of instruments: every format that GenX reads, detected by content, with what was detected said."""

from __future__ import annotations

from metagenx.genx.loaders.format import LoadOptions
from metagenx.genx.loaders.formats import FORMATS, read_data
from metagenx.genx.loaders.into_model import put_data
from metagenx.genx.loaders.measured import MeasuredSet, ReadData
from metagenx.genx.loaders.requests import DataRequest, requests_from

__all__ = [
    "FORMATS",
    "DataRequest",
    "LoadOptions",
    "MeasuredSet",
    "ReadData",
    "put_data",
    "read_data",
    "requests_from",
]
