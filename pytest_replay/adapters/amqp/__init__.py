"""The AMQP rim: taps the transports of aiormq."""
