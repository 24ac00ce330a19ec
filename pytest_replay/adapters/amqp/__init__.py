"""The AMQP rim: taps the transports of aiormq, which aio-pika speaks through."""

from pytest_replay.adapters.amqp.taps import AmqpAdapter

__all__ = ["AmqpAdapter"]
