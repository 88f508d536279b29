"""Answers each request with half of the announced length, and closes the connection."""
import socket, sys

listener = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(listener.getsockname()[1]))
for _ in range(int(sys.argv[1])):
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{"id":1')
    connection.close()
