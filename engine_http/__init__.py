"""A ClickHouse server in one process: the embedded engine behind ClickHouse's HTTP interface.

It speaks HTTP as a server does, to the clients of a server: queries, inserts, parameters, sessions,
KILL QUERY, HTTP compression and ClickHouse's frames, with a server's error codes and statuses.
Progress headers and summaries have the counts that the engine reports, ten times a second; it
reports no memory and no bytes of the result, so they are left out.
It has two users: `default` may do everything, `analyst` may only read the analysts' database.

It does not support the native TCP protocol, TLS, passwords or INTO OUTFILE.

It imports no other package of this project. `Engine` opens a data directory, `serve` answers on it.
"""
