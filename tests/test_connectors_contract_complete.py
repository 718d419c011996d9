"""A connector without a contract test does not pass."""

import importlib
import pkgutil
from pathlib import Path

import connectors
from tests import contract


def test_every_connector_has_a_contract_class() -> None:
    for path in sorted(Path(__file__).parent.glob("test_connectors_*.py")):
        importlib.import_module(f"tests.{path.stem}")
    kinds = {module.name for module in pkgutil.iter_modules(connectors.__path__) if not module.ispkg}
    assert kinds - contract.tested_kinds() == set(), "write a subclass of tests.contract.ConnectorContract"
