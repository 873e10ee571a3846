"""A client of the service: every route as a method, in a synchronous and an asynchronous form.

    with Client("http://127.0.0.1:8000") as client:
        for sale in client.sales.sales(buyer=me):
            print(sale["saleId"], sale["state"])

Knows the service's routes, the domain's documents and HTTP, and nothing of how the service is made. It needs httpx
(`pip install deedbook[client]`).
"""

from deedbook.client.clients import AsyncClient, Client
from deedbook.client.logs import AsyncLog, Log
from deedbook.client.paging import AsyncItems, Items
from deedbook.client.routes import OperationAnswer

__all__ = ["AsyncClient", "AsyncItems", "AsyncLog", "Client", "Items", "Log", "OperationAnswer"]
