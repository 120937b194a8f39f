"""Client ids: what is written is read back, nothing else is taken for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.client_id import ERA_NS, ClientId, decode_client_id, epoch_at
from hedgebot.domain.errors import ProgrammingError

client_ids = st.builds(
    ClientId,
    install=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 2**24 - 1),
    strategy=st.integers(0, 2**8 - 1),
    intent=st.integers(0, 2**32 - 1),
    attempt=st.integers(0, 2**8 - 1),
)


@given(client_ids)
def test_what_is_written_is_read_back(one: ClientId) -> None:
    text = one.encode()
    assert decode_client_id(text) == one
    # Bybit's orderLinkId takes 36 characters, OKX's clOrdId 32 alphanumeric ones.
    assert len(text) == 32
    assert text.isalnum()
    assert text == text.lower()


@given(client_ids, client_ids)
def test_different_parts_give_different_ids(one: ClientId, other: ClientId) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(client_ids, st.integers(0, 127))
def test_one_wrong_bit_makes_an_id_foreign(one: ClientId, bit: int) -> None:
    damaged = f"{int(one.encode(), 16) ^ (1 << bit):032x}"
    assert decode_client_id(damaged) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x-web-7f3a",
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "0" * 32,
        "f" * 32,
        ClientId(install=7, epoch=1, strategy=0, intent=1).encode().upper(),
        ClientId(install=7, epoch=1, strategy=0, intent=1).encode() + "0",
        ClientId(install=7, epoch=1, strategy=0, intent=1).encode() + "\n",
        "0x" + ClientId(install=7, epoch=1, strategy=0, intent=1).encode(),
    ],
)
def test_a_foreign_id_is_not_ours(text: str | None) -> None:
    assert decode_client_id(text) is None


@given(st.text(alphabet="0123456789abcdef", min_size=32, max_size=32))
def test_what_decodes_encodes_to_the_same_text(text: str) -> None:
    found = decode_client_id(text)
    assert found is None or found.encode() == text


@pytest.mark.parametrize(
    "wrong",
    [
        ClientId(install=2**32, epoch=1, strategy=0, intent=1),
        ClientId(install=7, epoch=2**24, strategy=0, intent=1),
        ClientId(install=7, epoch=1, strategy=256, intent=1),
        ClientId(install=7, epoch=1, strategy=0, intent=2**32),
        ClientId(install=7, epoch=1, strategy=0, intent=1, attempt=256),
        ClientId(install=-1, epoch=1, strategy=0, intent=1),
    ],
)
def test_a_part_that_does_not_fit_is_refused(wrong: ClientId) -> None:
    with pytest.raises(ProgrammingError, match="must fit"):
        wrong.encode()


def test_the_least_epoch_grows_with_time_and_always_fits() -> None:
    minute = 60 * 10**9
    assert [epoch_at(ERA_NS + one * minute) for one in (-1, 0, 1, 525_600)] == [0, 0, 1, 525_600]
    far = epoch_at(2**63)
    assert ClientId(install=7, epoch=far + 1_000_000, strategy=0, intent=1).encode(), "a wrong clock stops nobody"
