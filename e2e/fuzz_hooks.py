"""Hooks for schemathesis: schema rules that its generator does not know, IDs of existing objects, and allowed errors.

COMMONGRAPH_FUZZ_IDS is a JSON object with IDs by argument or input field. COMMONGRAPH_FUZZ_CODES is a comma-separated list
of the error codes that this caller may get in addition to the general ones.
"""

import json
import os
import zlib

import graphql
import schemathesis

KNOWN = json.loads(os.environ.get("COMMONGRAPH_FUZZ_IDS", "{}"))

# The error codes that a valid operation may get. They tell the client what to change. Any other code is a bug of the
# gateway, since the providers of the sandbox work.
OF_THE_CLIENT = {"BAD_INPUT", "LIMIT_EXCEEDED", "UNSUPPORTED_BY_PROVIDER"} | set(os.environ.get("COMMONGRAPH_FUZZ_CODES", "").split(",")) - {""}


class Mend(graphql.Visitor):
    """Gives every `by` exactly one field, and replaces every second generated ID by an existing one."""

    def leave_argument(self, node, *_):
        if node.name.value == "by" and isinstance(node.value, graphql.ObjectValueNode):
            given = [field for field in node.value.fields if not isinstance(field.value, graphql.NullValueNode)]
            field = given[0] if given else graphql.ObjectFieldNode(name=graphql.NameNode(value="id"), value=text("made-up"))
            value = graphql.ObjectValueNode(fields=(field,))
            return graphql.ArgumentNode(name=node.name, value=value)
        return known(node)

    def leave_object_field(self, node, *_):
        return known(node)


def text(value):
    """A literal of the GraphQL AST."""
    return graphql.StringValueNode(value=value)


def known(node):
    """The node with an existing ID, chosen deterministically; None to keep the node."""
    ids = KNOWN.get(node.name.value)
    if not ids or not isinstance(node.value, (graphql.StringValueNode, graphql.IntValueNode)):
        return None
    chance = zlib.crc32(graphql.print_ast(node).encode())
    return type(node)(name=node.name, value=text(ids[chance // 2 % len(ids)])) if chance % 2 else None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Corrects operations that must be valid. Operations that must be invalid stay unchanged."""
    if isinstance(case.body, str) and not is_wrong(case):
        case.body = graphql.print_ast(graphql.visit(graphql.parse(case.body), Mend()))


def is_wrong(case):
    """Whether the operation must be rejected."""
    return case.meta and case.meta.generation.mode.is_negative


@schemathesis.check
def what_is_right_runs(ctx, response, case):
    """Checks that the gateway executes every valid operation within its limits."""
    answer = response.json()
    codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", [])}
    assert is_wrong(case) or "data" in answer or codes == {"LIMIT_EXCEEDED"}, f"did not run: {answer['errors'][0]['message']}"


@schemathesis.check
def only_what_the_client_can_change(ctx, response, case):
    """Checks that each response is JSON, and that each error code is one that the client can act on."""
    assert response.status_code < 500, f"status {response.status_code}"
    for error in response.json().get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert code in OF_THE_CLIENT, f"{code}: {error['message']}"
