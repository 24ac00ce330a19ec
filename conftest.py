"""Test peers for the whole suite."""

pytest_plugins = ["pytester", "fixtures.http", "fixtures.amqp", "fixtures.databases", "fixtures.storages"]
