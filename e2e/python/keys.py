"""Keys that real people and their programs have."""

ODD = [
    "a",
    "dir/sub/file.txt",
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%41%2F%zz",
    "a%2Fb",
    "double//slash",
    "trailing/",
    "中文/文件.txt",
    "emoji-😀-👩‍👩‍👧",
    "quote'\"&<>",
    "question?mark#hash",
    "semi;colon,comma",
    "back\\slash",
    "tab\tand\nline\rfeeds",
    "del\x7f",
    "caf\u00e9 composed",
    "cafe\u0301 decomposed",
    "~!@$^*()[]{}|`=:",
    "x" * 1023,
    "中" * 341,
    "?acl",
    "null",
    "...",
    "a/..b/c",
]
# Clients that leave slashes in the path lose these on their own side (and all of them "." and "..").
DOTS = ["a/../b", "./dot", "../up", "a/./b", "a/.."]
# Not allowed in XML 1.0, so only listings that ask for encoding can show them.
CONTROL = ["bell\x07", "\x01\x02\x1f", "escape\x1b[31m"]
