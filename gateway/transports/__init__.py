"""How operations come in and answers go out.

refused     why a request is not executed
asked       what is asked: bodies, query strings, batches
accept      what the client can read
service     one operation: its document, its answer or its answers; the same beneath every transport
endpoint    one request, one answer; streams where the client reads them
events      answers that follow one another in one response: server-sent events, multipart
sockets     graphql-transport-ws
openings    how many streams may be open
connection  when the client goes away
"""
