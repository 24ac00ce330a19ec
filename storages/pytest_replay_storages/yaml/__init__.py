"""The YAML storage, the default: one file a cassette, made for review in git."""

from pytest_replay_storages.yaml.files import YamlStorage, open_yaml

__all__ = ["YamlStorage", "open_yaml"]
