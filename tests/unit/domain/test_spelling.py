from hedgebot.domain.spelling import nearest, stem


def test_stems_ignore_units_only() -> None:
    assert stem("book_age_s_max") == stem("book_age_ms_max") == "book_age_max"
    assert nearest("band_usd", ["band_coin", "delta_limit_coin"]) == ("band_coin", True)
    assert nearest("zzz", ["band_coin"]) == (None, False)


def test_a_near_spelling_is_found_and_is_no_matter_of_units() -> None:
    assert nearest("start_prise", ["start_price", "vol"]) == ("start_price", False)
