// How a handler is called and its answer taken: `(api, handler, invocation) => Promise`, fulfilled once the answer has
// been sent and the next event may be fetched.
//
// classic    up to nodejs22.x: a promise, a callback, or context.done and its kin. A callback's answer is sent when the
//            event loop is empty, unless context.callbackWaitsForEmptyEventLoop is false.
// modern     from nodejs24.x on: the value that the handler returns or promises; callbacks are gone.
// streaming  `awslambda.streamifyResponse`.
'use strict';

const { RuntimeError } = require('./errors.cjs');
const { logError } = require('./log.cjs');
const idle = require('./idle.cjs');

const isPromise = (value) => Boolean(value) && typeof value.then === 'function';
const isGiven = (value) => value !== undefined && value !== null;

async function fail(api, id, error) {
  logError('Invoke Error', error);
  await api.fail(id, error);
}

async function succeed(api, id, result) {
  let json;
  try {
    json = JSON.stringify(result) ?? 'null'; // undefined, or a function
  } catch {
    return fail(api, id, new RuntimeError('JSONStringifyError', 'Unable to stringify response body'));
  }
  return api.respond(id, json);
}

exports.modern = async function modern(api, handler, { id, event, context }) {
  let result;
  try {
    result = await handler(event, context);
  } catch (error) {
    return fail(api, id, error);
  }
  return succeed(api, id, result);
};

exports.classic = function classic(api, handler, { id, event, context }) {
  return new Promise((resolve, reject) => {
    let isDone = false;
    let waits = true;
    const once = (settle) => (...values) => {
      if (isDone) return;
      isDone = true;
      settle(...values);
    };
    const send = (error, result) => {
      idle.clear();
      (isGiven(error) ? fail(api, id, error) : succeed(api, id, result)).then(resolve, reject);
    };
    const callback = once((error, result) => {
      if (isGiven(error) || !waits) send(error, result);
      else idle.set(() => send(null, result));
    });
    Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', { get: () => waits, set: (value) => { waits = value; }, enumerable: true });
    Object.assign(context, {
      done: once(send),
      succeed: once((result) => send(null, result)),
      fail: once((error) => send(isGiven(error) ? error : 'handled')),
    });
    // Neither promised, nor called back, and nothing left to do: the answer is null.
    idle.set(once(() => send(null, null)));
    try {
      const result = handler(event, context, callback);
      if (isPromise(result)) result.then(context.succeed, context.fail);
    } catch (error) {
      callback(error ?? new Error(String(error)));
    }
  });
};

exports.streaming = (highWaterMark) => async function streaming(api, handler, { id, event, context }) {
  const { stream, fail: failStream, done } = api.stream(id, highWaterMark);
  try {
    const promise = handler(event, stream, context);
    if (!isPromise(promise)) throw new Error('Streaming does not support non-async handlers.');
    if ((await promise) !== undefined) console.warn('Streaming handlers ignore return values.');
    await done; // the handler may have left the stream to a pipe
  } catch (error) {
    logError('Invoke Error', error);
    await failStream(error);
  }
};

// Refuses what a runtime from nodejs24.x on does not run any more.
exports.refuseCallback = function refuseCallback(handler) {
  if (handler.length < 3) return;
  throw new RuntimeError(
    'CallbackHandlerDeprecated',
    'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to '
      + 'modify this function to use a supported handler signature to use Node.js 24 or later. For more information see '
      + 'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
  );
};
