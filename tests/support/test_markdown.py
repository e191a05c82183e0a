from pathlib import Path

from tests.support.markdown import Block, blocks

PAGE = """\
# A page

```sh
make demo
```

```python
print(1)
```

```text
1
```

And what is no output, since words stand before it:

```text
2
```
"""


def test_a_text_block_right_after_another_block_is_what_that_one_prints(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert blocks(page) == [
        Block("sh", "make demo\n", 3, None),
        Block("python", "print(1)\n", 7, "1\n"),
        Block("text", "2\n", 17, None),
    ]
