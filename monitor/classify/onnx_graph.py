"""Where in an ONNX file the states of the model's last layer are, and how to be given them.

Most files on the hub name the logits as their only output. The states that the logits are computed from are in the
graph all the same: they are found by walking back from the logits, and one more output at the end of the file makes
onnxruntime hand them over. Of the file's format (Protocol Buffers) as much is read here as that takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Buffer = bytes | memoryview

_GRAPH, _NODE, _OUTPUT = 7, 1, 12  # fields of ModelProto and GraphProto
_INPUTS, _OUTPUTS, _KIND = 1, 2, 4  # of NodeProto
_VALUE_NAME = 1  # of ValueInfoProto
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5  # how a field is written
# What takes one token's state out of those of all, or sums them up.
_GATHERING = frozenset({"Gather", "GatherND", "GatherElements", "Slice", "ReduceMean", "ReduceSum", "Squeeze"})
_MOST_FOUND = 6
_MOST_WALKED = 400  # nodes; heads have a dozen


@dataclass(frozen=True, slots=True)
class _Node:
    kind: str
    inputs: tuple[str, ...]


def candidates(model: Buffer, logits: str) -> list[str]:
    """Names of tensors that may be the states, those nearest to the logits first. Raises ValueError."""
    made_by = _nodes(memoryview(model))
    found: dict[str, None] = {}
    seen = {logits}
    ahead = [logits]
    for _ in range(_MOST_WALKED):
        if not ahead or len(found) == _MOST_FOUND:
            break
        node = made_by.get(ahead.pop(0))
        if node is None:
            continue
        if node.kind in _GATHERING and node.inputs[:1] and node.inputs[0] in made_by:
            found[node.inputs[0]] = None
        fresh = [name for name in node.inputs if name not in seen]
        seen.update(fresh)
        ahead += fresh
    return list(found)


def more_outputs(names: Sequence[str]) -> bytes:
    """What to write behind a model for these tensors to be outputs too; a reader merges it with what stands before."""
    values = (_field(_OUTPUT, _field(_VALUE_NAME, name.encode())) for name in names)
    return _field(_GRAPH, b"".join(values))


def _nodes(model: memoryview) -> Mapping[str, _Node]:
    """By the names of what they compute."""
    found: dict[str, _Node] = {}
    for graph in _messages(model, _GRAPH):
        for written in _messages(graph, _NODE):
            node = _Node(
                kind="".join(_texts(written, _KIND)),
                inputs=tuple(_texts(written, _INPUTS)),
            )
            found |= dict.fromkeys(_texts(written, _OUTPUTS), node)
    return found


def _texts(message: memoryview, field: int) -> Iterator[str]:
    return (bytes(part).decode("utf-8", "replace") for part in _messages(message, field))


def _messages(message: memoryview, field: int) -> Iterator[memoryview]:
    """The parts of a message that one field holds. Raises ValueError where it is damaged."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _LENGTH:
            length, at = _varint(message, at)
            if tag >> 3 == field:
                yield message[at : at + length]
            at += length
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field is written in an unknown way ({kind})")
    if at > len(message):
        raise ValueError("a field ends behind the end of the file")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = shift = 0
    for place in range(at, min(at + 10, len(message))):
        number |= (message[place] & 0x7F) << shift
        shift += 7
        if message[place] < 0x80:
            return number, place + 1
    raise ValueError("a number does not end")


def _field(number: int, content: bytes) -> bytes:
    return _written(number << 3 | _LENGTH) + _written(len(content)) + content


def _written(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
