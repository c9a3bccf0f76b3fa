"""Write docs/config.md from the schema files, the one source of keys, types, ranges, units, defaults and meaning.

Usage: make_config_reference.py [--check]     (--check: exit 1 when the page is not what the schemas say)
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "config.md"
HEAD = """# Config reference

Made from `config/schema.json` and `plugins/*_method.schema.json` by `scripts/make_config_reference.py`: change those, not this page.

One JSON file in UTF-8; `//` and `/* */` comments are allowed. Every object is closed: an unknown key is an error that names the
nearest known one. Relative paths are relative to the file's folder. `--set methods.0.training.epochs=5` on the command line, and
`Config::set` in C++, change one value.
"""


def resolve(schema, root):
    """Follow a local ``$ref``; keys beside it win."""
    if "$ref" not in schema:
        return schema
    target = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolve(target, root), **{key: value for key, value in schema.items() if key != "$ref"}}


def branches(schema):
    return schema.get("anyOf") or schema.get("oneOf") or []


def type_of(schema, root):
    """The type in a reader's words."""
    schema = resolve(schema, root)
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " \\| ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if branches(schema):
        return " or ".join(dict.fromkeys(type_of(branch, root) for branch in branches(schema)))
    kind = schema.get("type", "anything")
    kinds = kind if isinstance(kind, list) else [kind]
    words = {"string": "text", "array": "list", "boolean": "true or false", "null": "null"}
    text = " or ".join(words.get(name, name) for name in kinds)
    if "array" in kinds and isinstance(schema.get("items"), dict):
        text = text.replace("list", f"list of {type_of(schema['items'], root)}")
    return text


def limits_of(schema, root):
    schema = resolve(schema, root)
    texts = []
    for key, form in (
        ("minimum", "≥ {}"), ("maximum", "≤ {}"), ("exclusiveMinimum", "> {}"), ("exclusiveMaximum", "< {}"),
        ("minItems", "at least {} items"), ("maxItems", "at most {} items"), ("pattern", "matches `{}`"),
    ):
        if key in schema:
            texts.append(form.format(schema[key]))
    if "x-unit" in schema:
        texts.append(f"in {schema['x-unit']}")
    if schema.get("x-path"):
        texts.append("a path")
    return ", ".join(texts).replace("|", "\\|")


def rows(schema, root, prefix, required):
    """One row a key, depth first."""
    schema = resolve(schema, root)
    for name, raw in schema.get("properties", {}).items():
        item = resolve(raw, root)
        key = f"{prefix}{name}"
        default = "required" if name in required else f"`{json.dumps(item['default'])}`" if "default" in item else ""
        meaning = item.get("description", "").replace("\n", " ").replace("|", "\\|")
        yield f"| `{key}` | {type_of(item, root)} | {limits_of(item, root)} | {default} | {meaning} |"
        yield from nested(item, root, key)


def nested(schema, root, key):
    schema = resolve(schema, root)
    if "properties" in schema:
        yield from rows(schema, root, key + ".", schema.get("required", []))
    if isinstance(schema.get("items"), dict):
        yield from nested(schema["items"], root, key + "[]")
    for branch in branches(schema):
        yield from nested(branch, root, key)


def table(schema):
    lines = ["| key | type | limits | default | meaning |", "|---|---|---|---|---|"]
    lines += dict.fromkeys(rows(schema, schema, "", schema.get("required", [])))
    return "\n".join(lines)


def page():
    common = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    parts = [HEAD, "## Common keys\n", table(common)]
    for path in sorted((ROOT / "plugins").glob("*_method.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix("_method.schema.json")
        parts += [f"\n## Keys of a method of type `{name}`\n", schema.get("description", "") + "\n", table(schema)]
    return "\n".join(parts) + "\n"


def main(arguments):
    text = page()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is not what the schemas say: run scripts/make_config_reference.py", file=sys.stderr)
            return 1
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
