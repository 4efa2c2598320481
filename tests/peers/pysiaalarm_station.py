"""pysiaalarm as a station: each event it takes is one line of JSON on standard output.

usage: pysiaalarm_station.py TCP|UDP ACCOUNT[:KEY]
Its first line says where it listens. It ends with its standard input.
"""
import json
import logging
import sys
import threading

from pysiaalarm import CommunicationsProtocol, SIAAccount, SIAClient


ONE_AT_A_TIME = threading.Lock()


def say(value):
    with ONE_AT_A_TIME:
        print(json.dumps(value), flush=True)


def event(event):
    say({
        "account": event.account,
        "sequence": event.sequence,
        "qualifier": event.event_qualifier,
        "type": event.event_type,
        "partition": event.partition,
        "zone": event.ri,
        "message": str(event.message_type),
        "encrypted": bool(event.encrypted),
    })


def main():
    # It logs every frame that it does not take, and tests give it many.
    logging.disable(logging.CRITICAL)
    protocol, text = sys.argv[1:3]
    account, _, key = text.partition(":")
    accounts = [SIAAccount(account, key=key or None)]
    client = SIAClient("127.0.0.1", 0, accounts, event, CommunicationsProtocol[protocol])
    client.start()
    host, port = client.sia_server.server_address
    say({"listening": f"{host}:{port}"})
    sys.stdin.read()
    client.stop()


main()
