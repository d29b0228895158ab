import time

time.sleep(0.5)


def handler(event, context):
    return event
