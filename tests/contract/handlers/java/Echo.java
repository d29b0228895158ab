import com.amazonaws.services.lambda.runtime.Context;
import java.util.HashMap;
import java.util.Map;

public class Echo {
    public Map<String, Object> handle(Map<String, Object> event, Context context) {
        Map<String, Object> answer = new HashMap<>();
        answer.put("event", event);
        answer.put("request_id", context.getAwsRequestId());
        answer.put("function", context.getFunctionName());
        answer.put("version", context.getFunctionVersion());
        answer.put("memory", String.valueOf(context.getMemoryLimitInMB()));
        answer.put("arn", context.getInvokedFunctionArn());
        answer.put("group", context.getLogGroupName());
        answer.put("stream", context.getLogStreamName());
        answer.put("remaining", context.getRemainingTimeInMillis());
        answer.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        answer.put("greeting", System.getenv("GREETING"));
        answer.put("cwd", System.getProperty("user.dir"));
        return answer;
    }
}
