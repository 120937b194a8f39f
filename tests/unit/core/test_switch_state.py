import msgspec

from hedgebot.core.switch_state import SwitchState
from hedgebot.domain.instrument import InstrumentId


def test_a_snapshot_keeps_a_move_under_way() -> None:
    kept = SwitchState(
        chosen={"sell": InstrumentId("v:linear:B")}, chosen_at_ns={"sell": 7}, displaced_coin=0.25, moved_at_ns=9
    )
    assert msgspec.json.decode(msgspec.json.encode(kept), type=SwitchState) == kept
    assert SwitchState().chosen is not SwitchState().chosen
