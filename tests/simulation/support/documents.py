"""What filters, updates and expressions of MongoDB mean, as far as the simulated services use them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Document = dict[str, Any]
REMOVE = object()
MISSING = object()


def value_at(document: Any, path: str) -> Any:
    """Return the value of a dotted path; MISSING if there is none."""
    for name in path.split("."):
        if not isinstance(document, Mapping) or name not in document:
            return MISSING
        document = document[name]
    return document


def matches(document: Document, query: Mapping[str, Any], now: datetime) -> bool:
    return all(_holds(document, name, wanted, now) for name, wanted in query.items())


def _holds(document: Document, name: str, wanted: Any, now: datetime) -> bool:
    if name == "$or":
        return any(matches(document, each, now) for each in wanted)
    if name == "$expr":
        return bool(evaluate(wanted, document, now))
    value = value_at(document, name)
    if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
        return all(COMPARISONS[operator](value, operand) for operator, operand in wanted.items())
    return _equals(value, wanted)


def _equals(value: Any, wanted: Any) -> bool:
    return value is MISSING or value is None if wanted is None else bool(value == wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare values of one type only, as a filter does."""
    return lambda value, wanted: value is not MISSING and value is not None and compare(value, wanted)


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$in": lambda value, wanted: any(_equals(value, each) for each in wanted),
    "$nin": lambda value, wanted: not any(_equals(value, each) for each in wanted),
    "$ne": lambda value, wanted: not _equals(value, wanted),
    "$exists": lambda value, wanted: (value is not MISSING) == wanted,
    "$gt": _ordered(lambda value, wanted: value > wanted),
    "$gte": _ordered(lambda value, wanted: value >= wanted),
    "$lt": _ordered(lambda value, wanted: value < wanted),
    "$lte": _ordered(lambda value, wanted: value <= wanted),
}


def evaluate(expression: Any, document: Document, now: datetime) -> Any:
    """The value of an aggregation expression; a missing field is None, as it compares."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _variable(expression, document, now)
    if not isinstance(expression, dict):
        return expression
    if len(expression) == 1:
        ((operator, operand),) = expression.items()
        if operator == "$literal":
            return operand
        if operator == "$cond":
            condition, then, otherwise = operand
            return evaluate(then if evaluate(condition, document, now) else otherwise, document, now)
        if operator.startswith("$"):
            return OPERATORS[operator]([evaluate(each, document, now) for each in operand])
    return {name: evaluate(each, document, now) for name, each in expression.items()}


def _variable(name: str, document: Document, now: datetime) -> Any:
    if name == "$$NOW":
        return now
    if name == "$$ROOT":
        return document
    if name == "$$REMOVE":
        return REMOVE
    value = value_at(document, name[1:])
    return None if value is MISSING else value


def _span(value: Any) -> Any:
    return timedelta(milliseconds=value) if isinstance(value, int) else value


def _add(values: Sequence[Any]) -> Any:
    first, second = values
    return first + _span(second) if isinstance(first, datetime) else first + second


def _subtract(values: Sequence[Any]) -> Any:
    first, second = values
    return first - _span(second) if isinstance(first, datetime) else first - second


def _merged(values: Sequence[Any]) -> Document:
    result: Document = {}
    for each in values:
        result |= each or {}
    return result


OPERATORS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "$add": _add,
    "$subtract": _subtract,
    "$eq": lambda values: values[0] == values[1],
    # A missing value is less than any other.
    "$lt": lambda values: values[0] is None or (values[1] is not None and values[0] < values[1]),
    "$lte": lambda values: values[0] is None or (values[1] is not None and values[0] <= values[1]),
    "$or": any,
    "$and": all,
    "$ifNull": lambda values: next((each for each in values if each is not None), None),
    "$mergeObjects": _merged,
}


def updated(
    document: Document, update: Mapping[str, Any] | Sequence[Document], now: datetime, *, is_new: bool
) -> Document:
    """Return the document after an update, or a pipeline of stages."""
    if isinstance(update, Mapping):
        return _by_operators(document, update, is_new=is_new)
    for stage in update:
        ((name, change),) = stage.items()
        if name == "$set":
            values = {field: evaluate(each, document, now) for field, each in change.items()}
            document = {field: value for field, value in (document | values).items() if value is not REMOVE}
        elif name == "$unset":
            document = {field: value for field, value in document.items() if field not in change}
        elif name == "$replaceWith":
            document = evaluate(change, document, now)
        else:
            raise NotImplementedError(name)
    return document


def _by_operators(document: Document, update: Mapping[str, Any], *, is_new: bool) -> Document:
    result = dict(document)
    for operator, change in update.items():
        for field, value in change.items():
            if operator == "$set" or (operator == "$setOnInsert" and is_new):
                result[field] = value
            elif operator == "$unset":
                result.pop(field, None)
            elif operator == "$inc":
                result[field] = result.get(field, 0) + value
            elif operator == "$max":
                result[field] = max(result.get(field, value), value)
            elif operator == "$push":
                result[field] = [*result.get(field, []), *value["$each"]]
            elif operator != "$setOnInsert":
                raise NotImplementedError(operator)
    return result


def chosen_by(query: Mapping[str, Any]) -> list[Any] | None:
    """Return the ids that a filter names, None if it names none."""
    wanted = query.get("_id", MISSING)
    if wanted is MISSING or (isinstance(wanted, Mapping) and "$in" not in wanted):
        return None
    return list(wanted["$in"]) if isinstance(wanted, Mapping) else [wanted]


def new_document(query: Mapping[str, Any]) -> Document:
    """The document that an upsert begins with: what its filter requires."""
    return {name: value for name, value in query.items() if not name.startswith("$") and not isinstance(value, Mapping)}
