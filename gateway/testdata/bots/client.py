"""One run of a Python client: client.py LIBRARY USER-AGENT KEY METHOD URL... An empty User-Agent is the library's own."""
import asyncio, json, sys

library, agent, key, method, urls = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
headers = ({"User-Agent": agent} if agent else {}) | ({"X-API-Key": key} if key else {})
body = {"item": 7} if method == "POST" else None


def requests():
    import requests, urllib3

    urllib3.disable_warnings()
    session = requests.Session()
    for url in urls:
        session.request(method, url, headers=headers, json=body, verify=False)


def urllib():
    import ssl, urllib.error, urllib.request

    data = json.dumps(body).encode() if body else None
    for url in urls:
        request = urllib.request.Request(url, data, headers | ({"Content-Type": "application/json"} if body else {}), method=method)
        urllib.request.urlopen(request, context=ssl._create_unverified_context()).read()


def httpx():
    import httpx

    with httpx.Client(http2=True, verify=False) as client:
        for url in urls:
            client.request(method, url, headers=headers, json=body)


def aiohttp():
    import aiohttp

    async def all():
        async with aiohttp.ClientSession() as session:
            for url in urls:
                async with session.request(method, url, headers=headers, json=body, ssl=False) as response:
                    await response.read()

    asyncio.run(all())


globals()[library]()
