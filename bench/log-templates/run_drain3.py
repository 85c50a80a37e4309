"""Runs Drain3 with the masks of its shipped example configuration over log lines.

Reads a JSON array of lines from standard input; writes {"templates": [text per line], "seconds": s}.
"""
import json
import re
import sys
import time

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

BEFORE, AFTER = "((?<=[^A-Za-z0-9])|^)", "((?=[^A-Za-z0-9])|$)"
MASKS = [
    (BEFORE + r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))" + AFTER, "ID"),
    (BEFORE + r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})" + AFTER, "IP"),
    (BEFORE + r"([0-9a-f]{6,} ?){3,}" + AFTER, "SEQ"),
    (BEFORE + r"([0-9A-F]{4} ?){4,}" + AFTER, "SEQ"),
    (BEFORE + r"(0x[a-f0-9A-F]+)" + AFTER, "HEX"),
    (BEFORE + r"([\-\+]?\d+)" + AFTER, "NUM"),
    (r'(?<=executed cmd )(".+?")', "CMD"),
]

config = TemplateMinerConfig()
config.profiling_enabled = False
config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
miner = TemplateMiner(config=config)
lines = json.load(sys.stdin)

started = time.perf_counter()
ids = [miner.add_log_message(line)["cluster_id"] for line in lines]
seconds = time.perf_counter() - started


def text_of(cluster_id):
    """Each named mask as the labels write it, and what the evaluation joins joined."""
    text = re.sub(r"<:?[A-Z]+:?>", "<*>", miner.drain.id_to_cluster[cluster_id].get_template())
    return re.sub(r"<\*>(?:\.?<\*>)+", "<*>", text)


json.dump({"templates": [text_of(cluster_id) for cluster_id in ids], "seconds": seconds}, sys.stdout)
