"""The baseline of `worldplate bench link`: a gRPC server that takes a frame's bytes and answers with a plate's."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

METHOD = "/worldplate.Echo/Frame"
LARGEST_BYTES = 1 << 28


def channel_options() -> list[tuple[str, int]]:
    return [("grpc.max_send_message_length", LARGEST_BYTES), ("grpc.max_receive_message_length", LARGEST_BYTES)]


def serve(plate_bytes: int) -> None:
    """Listen on a free loopback port, write the port as a line to stdout, and answer until stdin closes."""
    import grpc

    plate = bytes(plate_bytes)

    class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, call: Any) -> Any:
            if call.method != METHOD:
                return None
            return grpc.unary_unary_rpc_method_handler(lambda request, context: plate)

    server = grpc.server(ThreadPoolExecutor(2), options=channel_options(), handlers=(Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
