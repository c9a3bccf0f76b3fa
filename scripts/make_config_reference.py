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

A run is one JSON file:

```json
{
  "version": 1,
  "name": "higgs4l",
  "task": "classification",
  "data": {
    "samples": [
      {"class": "signal",     "files": "higgs4l.root", "tree": "signal",     "selection": "m4l < 140", "weight": "w"},
      {"class": "background", "files": "higgs4l.root", "tree": "background", "selection": "m4l < 140", "weight": "w"}
    ],
    "features": ["mZ1", "mZ2", {"name": "abs_eta1", "expr": "abs(eta1)"}]
  },
  "methods": [
    {"name": "mlp", "type": "pytorch", "script": "mlp.py", "transform": ["standard"], "training": {"epochs": 20}},
    {"name": "trees", "type": "sklearn", "estimator": "sklearn.ensemble.HistGradientBoostingClassifier"}
  ]
}
```

- The file is UTF-8; `//` and `/* */` comments are allowed.
- Every object is closed but `params`: an unknown key is an error that names the nearest known one.
- Relative paths are relative to the file's folder.
- `--set methods.0.training.epochs=5` on the command line, and `Config::set` in C++, change one value.
- `[]` in the tables stands for each item of a list. Selections, weights and features are [expressions](expressions.md).
"""


def resolve(schema, root):
    """Follow a local ``$ref``; keys beside it win."""
    if "$ref" not in schema:
        return schema
    target = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**resolve(target, root), **{key: value for key, value in schema.items() if key != "$ref"}}


def code(value):
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def cell(text):
    return text.replace("\n", " ").replace("|", "\\|")


def branches(schema, root):
    return [resolve(branch, root) for branch in schema.get("anyOf", [])]


def type_of(schema, root):
    """The type in a reader's words."""
    schema = resolve(schema, root)
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(branch, root) for branch in branches(schema, root)))
    kind = schema.get("type", "anything")
    kinds = kind if isinstance(kind, list) else [kind]
    words = {"string": "text", "array": "list", "boolean": "true or false"}
    text = " or ".join(words.get(name, name) for name in kinds)
    if "array" in kinds and isinstance(schema.get("items"), dict):
        text = text.replace("list", f"list of {type_of(schema['items'], root)}")
    return text


def limits_of(schema):
    """Range, size, form and unit."""
    forms = (
        ("minimum", "≥ {}"),
        ("exclusiveMinimum", "> {}"),
        ("maximum", "≤ {}"),
        ("exclusiveMaximum", "< {}"),
        ("maxItems", "at most {} items"),
        ("x-form", "{}"),
        ("x-unit", "in {}"),
    )
    texts = [form.format(schema[key]) for key, form in forms if key in schema]
    if schema.get("minItems"):
        texts.insert(0, "not empty")
    if schema.get("x-path"):
        texts.append("a path")
    return ", ".join(texts)


def meaning_of(schema):
    text = schema.get("description", "").replace("<", "&lt;")
    shown = [code(value) for value in schema.get("examples", [])]
    return text + (f" Example: {' or '.join(shown)}." if shown else "")


def row(key, schema, root, required, only=""):
    """One row of a table; `only` says in which form of the object around it the key is allowed."""
    schema = resolve(schema, root)
    kind = ", ".join(text for text in (type_of(schema, root), limits_of(schema)) if text)
    default = "required" if required else code(schema["default"]) if "default" in schema else ""
    return f"| `{key}` | {cell(kind)} | {cell(default)} | {cell(only + meaning_of(schema))} |"


def rows(schema, root, prefix):
    """One row a key, depth first."""
    schema = resolve(schema, root)
    for name, item in schema.get("properties", {}).items():
        yield row(prefix + name, item, root, name in schema.get("required", []))
        yield from below(item, root, prefix + name)


def below(schema, root, key):
    """The rows of what lies in the value of a key."""
    schema = resolve(schema, root)
    yield from rows(schema, root, key + ".")
    if isinstance(schema.get("items"), dict):
        yield from below(schema["items"], root, key + "[]")
    forms = [branch for branch in branches(schema, root) if "properties" in branch]
    for branch in branches(schema, root):
        if "items" in branch:
            yield from below(branch, root, key)
    if len(forms) == 1:
        yield from rows(forms[0], root, key + ".")
    elif forms:
        yield from forms_of_an_object(forms, root, key + ".")


def forms_of_an_object(forms, root, prefix):
    """Rows of an object that comes in several forms, told apart by the constant "type" or by a required key."""
    types = [form["properties"].get("type", {}).get("const") for form in forms]
    if all(types):
        meanings = "; ".join(f"{code(kind)}: {form['description'].rstrip('.')}" for kind, form in zip(types, forms))
        yield f"| `{prefix}type` | {cell(', '.join(map(code, types)))} | required | {cell(meanings)}. |"
    telling = [name for form in forms for name in form.get("required", [])]
    told = []  # (key, its schema) that has its row; forms that share a key share the row
    for form in forms:
        for name, item in form["properties"].items():
            if (all(types) and name == "type") or (name, item) in told:
                continue
            told.append((name, item))
            own = form.get("required", [])
            sharing = [kind for kind, other in zip(types, forms) if other["properties"].get(name) == item]
            if all(types):
                only = "" if len(sharing) == len(forms) else f"With {', '.join(map(code, sharing))}: "
            else:
                only = "" if name in own else f"With `{own[0]}`: " if own else f"Without `{telling[0]}`: "
            yield row(prefix + name, item, root, name in own, only)


def table(schema):
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows(schema, schema, "")])


def page():
    common = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    parts = [HEAD, "## Common keys\n", table(common)]
    for path in sorted((ROOT / "plugins").glob("*_method.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix("_method.schema.json")
        parts.append(f"\n## Methods of type `{name}`\n")
        parts.append(f"{schema['description']} Keys beside those that every method has:\n")
        parts.append(table(schema))
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
