import botocore.session
import pytest

from ramuda.runtime.catalogue.entry import entries, retired

MANAGED = [entry for entry in entries().values() if entry.environment and entry.family != "provided"]


def test_every_identifier_of_the_service_model_is_in_the_catalogue_or_retired():
    model = botocore.session.get_session().get_service_model("lambda").shape_for("Runtime").enum
    assert set(entries()) | set(retired()) == set(model)
    assert not set(entries()) & set(retired())


@pytest.mark.parametrize("entry", MANAGED, ids=lambda entry: entry.identifier)
def test_a_managed_runtime_sets_the_variables_that_aws_sets(entry):
    environment = entry.environment
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{entry.identifier}"
    assert environment["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert environment["LD_LIBRARY_PATH"].startswith("/var/lang/lib:")
    assert (environment["TZ"], environment["LANG"]) == (":UTC", "en_US.UTF-8")


def test_layers_are_found_by_the_variables_of_each_family():
    assert entries()["python3.12"].environment["PYTHONPATH"] == "/var/runtime"
    assert entries()["nodejs22.x"].environment["NODE_PATH"].startswith("/opt/nodejs/node22/node_modules:")
    assert "/opt/ruby/gems/3.4.0" in entries()["ruby3.4"].environment["GEM_PATH"]


def test_a_provided_runtime_has_no_execution_environment():
    assert "AWS_EXECUTION_ENV" not in entries()["provided.al2023"].environment


def test_what_cannot_run_says_why():
    assert all(entry.unsupported for entry in entries().values() if entry.family == "dotnet")
    assert all(retired().values())
