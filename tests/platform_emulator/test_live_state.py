import pytest

from platform_emulator.live_state import MASK, TEXT_CHARACTERS_MAX, masked

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXYifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        (JWT, MASK),
        (f'{{"token":"{JWT}","n":1}}', f'{{"token":"{MASK}","n":1}}'),
        (f"/a?token={JWT}&b=1", f"/a?token={MASK}&b=1"),
        ("fl_abcdefgh-ijkl", MASK),
        ("X-Forwarded: Bearer abc.def", f"X-Forwarded: Bearer {MASK}"),
        ("fl_short and butterfl_abcdefghijk", "fl_short and butterfl_abcdefghijk"),
    ],
)
def test_tokens_and_keys_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_token_that_is_cut_off_is_masked_before() -> None:
    shown = masked("x" * (TEXT_CHARACTERS_MAX - 5) + " " + JWT + "y" * 10_000)
    assert JWT[:3] not in shown
    assert len(shown) <= TEXT_CHARACTERS_MAX + 2
