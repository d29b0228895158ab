"""docs/coverage.md says of every setting what it does here."""

import botocore.session

from ramuda.services.lambda_.effects import EFFECTS


def test_every_setting_of_a_function_has_an_effect_written_down() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    settings = {
        member
        for operation in ("CreateFunction", "UpdateFunctionConfiguration")
        for member in model.operation_model(operation).input_shape.members
    }
    assert set(EFFECTS) == settings
