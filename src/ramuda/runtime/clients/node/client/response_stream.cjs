// The stream that a streaming handler writes to, and `awslambda`, the global that makes a handler one.
//
// A chunked request whose trailers say how it ended when that was badly.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
'use strict';

const http = require('http');
const { RuntimeError, report } = require('./errors.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8); // eight NUL bytes part the prelude from the body

const isBytes = (chunk) => typeof chunk === 'string' || chunk instanceof Uint8Array;

exports.openResponseStream = function openResponseStream(to, highWaterMark) {
  const headers = {
    'Lambda-Runtime-Function-Response-Mode': 'streaming',
    Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
    'Content-Type': 'application/octet-stream',
    'Transfer-Encoding': 'chunked',
  };
  const request = http.request({ ...to, method: 'POST', headers, highWaterMark });
  const done = new Promise((resolve, reject) => {
    request.on('response', (response) => response.resume().on('end', resolve).on('error', reject));
    request.on('error', reject);
  });
  done.catch(() => {}); // whoever waits for it hears of it; nobody may have to
  return { stream: writable(request), done, fail: (error) => endWithError(request, error, done) };
};

// Turns the request into what handlers expect of `responseStream`.
function writable(request) {
  const write = request.write.bind(request);
  let isBegun = false;
  request.write = (chunk, ...rest) => {
    if (!isBegun) {
      isBegun = true;
      if (request._onBeforeFirstWrite) request._onBeforeFirstWrite(write);
    }
    return write(isBytes(chunk) ? chunk : JSON.stringify(chunk), ...rest);
  };
  const end = request.end.bind(request);
  request.end = (chunk, ...rest) => {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return end(chunk, ...rest);
    request.write(chunk, typeof rest[0] === 'string' ? rest[0] : undefined);
    return end(...rest.filter((part) => typeof part === 'function'));
  };
  request.setContentType = (type) => {
    if (isBegun) throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    request.setHeader('Content-Type', type);
  };
  return request;
}

function endWithError(request, error, done) {
  const told = report(error);
  if (!request.writableEnded) {
    request.addTrailers({ [ERROR_TYPE]: told.errorType, [ERROR_BODY]: Buffer.from(JSON.stringify(told)).toString('base64') });
    request.end();
  }
  return done;
}

exports.installGlobal = function installGlobal() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {
      static from(stream, prelude) {
        stream.setContentType(PRELUDE_TYPE);
        stream._onBeforeFirstWrite = (write) => {
          write(JSON.stringify(prelude));
          write(PRELUDE_END);
        };
        return stream;
      }
    },
  };
};

// {isStreaming, highWaterMark} of a handler.
exports.streamingOf = function streamingOf(handler) {
  const mode = handler[STREAMING];
  if (mode && mode !== 'response') {
    throw new RuntimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return { isStreaming: Boolean(mode), highWaterMark: handler[HIGH_WATER_MARK] || undefined };
};
