#!/usr/bin/env python3
"""What arrows.py finds, in trees of a few files."""
import pathlib
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
import arrows  # noqa: E402


def rules(**changed):
    given = {
        "MODULES": {"low": [], "high": ["low"]},
        "FOLDERS": {"low": ["a", "b", "."], "high": ["."]},
        "GENERATED": {"high": ["version.hpp"]},
        "MAX_PARTS": 2,
        "MAX_LINES": 4,
        "LONG_TABLES": {},
        "LONG_FOR_NOW": [],
    }
    return types.SimpleNamespace(**{**given, **changed})


class ArrowsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("low/a/a.hpp", "")
        self.write("low/b/b.hpp", '#include "a/a.hpp"\n')
        self.write("low/low.cpp", '#include "b/b.hpp"\n#include "a/a.hpp"\n')
        self.write("low/include/weir/low/low.hpp", "#include <string>\n")
        self.write("high/high.cpp", '#include "version.hpp"\n#include <weir/low/low.hpp>\n')

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def found(self, **changed):
        return list(arrows.offences(self.root, rules(**changed)))

    def test_arrows_that_point_down_are_fine(self):
        self.assertEqual(self.found(), [])

    def test_a_folder_that_includes_from_one_above(self):
        self.write("low/a/up.cpp", '#include "b/b.hpp"\n')
        self.assertEqual(self.found(), ['low/a/up.cpp: "b/b.hpp" points up, from a to b'])

    def test_a_module_that_includes_from_one_above(self):
        self.write("low/a/up.cpp", "#include <weir/high/x.hpp>\n")
        self.assertEqual(self.found(), ["low/a/up.cpp: module low may not use high"])

    def test_a_public_header_that_needs_a_private_one(self):
        self.write("low/include/weir/low/more.hpp", '#include "a/a.hpp"\n')
        self.assertEqual(len(self.found()), 1)

    def test_a_path_that_does_not_begin_at_the_root_of_the_module(self):
        self.write("low/b/near.cpp", '#include "b.hpp"\n')
        self.assertEqual(self.found(), ['low/b/near.cpp: "b.hpp" is not a path from the root of module low'])

    def test_headers_in_a_circle(self):
        self.write("low/a/one.hpp", '#include "a/two.hpp"\n')
        self.write("low/a/two.hpp", '#include "a/one.hpp"\n')
        self.assertEqual(
            self.found(MAX_PARTS=3), ["low/a/one.hpp -> low/a/two.hpp -> low/a/one.hpp: a circle of headers"])

    def test_a_source_and_its_header_are_one_part(self):
        self.write("low/a/a.cpp", "")
        self.write("low/a/c.cpp", "")
        self.assertEqual(self.found(), [])
        self.write("low/a/d.hpp", "")
        self.assertEqual(self.found(), ["low/a: 3 parts, at most 2; make rooms"])

    def test_a_folder_that_nobody_placed(self):
        self.write("low/new/a.cpp", "")
        self.assertEqual(self.found(), ["low/new/a.cpp: folder new has no place in layout.py"])

    def test_a_place_that_nobody_needs(self):
        more = {"low": ["a", "b", ".", "gone"], "high": ["."]}
        self.assertEqual(self.found(FOLDERS=more), ["low/gone: stands in layout.py and is empty"])

    def test_long_files(self):
        self.write("tests/a_test.cpp", "\n" * 4)
        self.assertEqual(self.found(), [])
        self.write("tests/a_test.cpp", "\n" * 5)
        self.assertEqual(self.found(), ["tests/a_test.cpp: 5 lines, at most 4; split it"])
        self.assertEqual(self.found(LONG_FOR_NOW=["tests/a_test.cpp"]), [])

    def test_a_file_that_need_not_be_long_any_more(self):
        self.assertEqual(len(self.found(LONG_TABLES={"low/low.cpp": "a table"})), 1)


if __name__ == "__main__":
    unittest.main()
