import java.util.Map;

public class Failing {
    public Object handle(Map<String, Object> event) {
        throw new IllegalArgumentException("it is broken");
    }
}
