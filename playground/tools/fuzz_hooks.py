"""What schemathesis is told of the gateway: what its generator does not know of the schema, IDs that name something,
and which errors an operation may bring.

COMMONGRAPH_FUZZ_IDS holds, as JSON, the IDs by the argument or input field that takes them; COMMONGRAPH_FUZZ_CODES, with
commas, the codes of errors that this caller may be told beside those that any may.
"""

import json
import os
import zlib

import graphql
import schemathesis

KNOWN = json.loads(os.environ.get("COMMONGRAPH_FUZZ_IDS", "{}"))

# What a request that fits the schema may still be told: these say what the client has to change. Anything else would be
# the gateway's own fault, since the sandbox's providers are well.
OF_THE_CLIENT = {"BAD_INPUT", "LIMIT_EXCEEDED", "UNSUPPORTED_BY_PROVIDER"} | set(os.environ.get("COMMONGRAPH_FUZZ_CODES", "").split(",")) - {""}


class Mend(graphql.Visitor):
    """Gives every `by` exactly one field, and puts an ID that exists in place of every second one that was made up."""

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
    """A literal."""
    return graphql.StringValueNode(value=value)


def known(node):
    """The node, with an ID that exists by a chance that is the same in every run; None to leave it as it is."""
    ids = KNOWN.get(node.name.value)
    if not ids or not isinstance(node.value, (graphql.StringValueNode, graphql.IntValueNode)):
        return None
    chance = zlib.crc32(graphql.print_ast(node).encode())
    return type(node)(name=node.name, value=text(ids[chance // 2 % len(ids)])) if chance % 2 else None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Mends what was meant to be right; what was meant to be wrong stays so."""
    if isinstance(case.body, str) and not is_wrong(case):
        case.body = graphql.print_ast(graphql.visit(graphql.parse(case.body), Mend()))


def is_wrong(case):
    """Whether it was meant to be refused."""
    return case.meta and case.meta.generation.mode.is_negative


@schemathesis.check
def what_is_right_runs(ctx, response, case):
    """Holds the gateway to running every operation that fits the schema, unless it is larger than its limits."""
    answer = response.json()
    codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", [])}
    assert is_wrong(case) or "data" in answer or codes == {"LIMIT_EXCEEDED"}, f"did not run: {answer['errors'][0]['message']}"


@schemathesis.check
def only_what_the_client_can_change(ctx, response, case):
    """Holds each answer to JSON, and each error to a code that is the client's to mend."""
    assert response.status_code < 500, f"status {response.status_code}"
    for error in response.json().get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert code in OF_THE_CLIENT, f"{code}: {error['message']}"
