"""The schema: printed as carried, a superset of the contract, described everywhere."""

from graphql import GraphQLSchema, build_schema, find_breaking_changes, find_dangerous_changes
from graphql.type import is_enum_type, is_input_object_type, is_interface_type, is_object_type

from gateway.schema import create_schema, print_sdl
from tests.support import DATA, ROOT, SHARED


def printed() -> str:
    return print_sdl(create_schema())


def test_the_carried_schema_is_the_printed_one() -> None:
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == printed()


def test_the_contract_is_kept() -> None:
    contract = build_schema((DATA / "contract.graphql").read_text(encoding="utf-8"))
    ours = build_schema(printed())
    assert find_breaking_changes(contract, ours) == []
    assert find_dangerous_changes(contract, ours) == []


def test_the_carried_contract_is_the_shared_one() -> None:
    shared = SHARED.parent / "design" / "schema.graphql"
    if shared.exists():
        assert (DATA / "contract.graphql").read_bytes() == shared.read_bytes()


def test_everything_is_described() -> None:
    assert list(undescribed(build_schema(printed()))) == []


def undescribed(schema: GraphQLSchema) -> list[str]:
    """The names of types, fields, arguments and enum values without a description."""
    missing: list[str] = []
    for name, each in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        parts = {name: each}
        if is_object_type(each) or is_interface_type(each) or is_input_object_type(each):
            for field_name, field in each.fields.items():
                parts[f"{name}.{field_name}"] = field
                for argument_name, argument in getattr(field, "args", {}).items():
                    parts[f"{name}.{field_name}.{argument_name}"] = argument
        if is_enum_type(each):
            parts |= {f"{name}.{value_name}": value for value_name, value in each.values.items()}
        missing += [part for part, it in parts.items() if not it.description]
    return missing
