/** Prints one line of JSON for each check. */
final class Checks {
    /** Something that fails by throwing. */
    interface Work {
        void run() throws Exception;
    }

    private Checks() {
    }

    static void report(String name, Work work) {
        String detail = "";
        try {
            work.run();
        } catch (Throwable error) {
            detail = String.valueOf(rootOf(error));
        }
        System.out.println("{\"name\":" + json(name) + ",\"ok\":" + detail.isEmpty()
                + ",\"detail\":" + json(detail) + "}");
    }

    static void equal(Object actual, Object expected) {
        if (!String.valueOf(actual).equals(String.valueOf(expected))) {
            throw new IllegalStateException(actual + " instead of " + expected);
        }
    }

    static void refused(int code, Work work) throws Exception {
        try {
            work.run();
        } catch (Exception error) {
            if (rootOf(error).getMessage().contains("Code: " + code)
                    || String.valueOf(error.getMessage()).contains("Code: " + code)) {
                return;
            }
            throw error;
        }
        throw new IllegalStateException("it was not refused");
    }

    private static Throwable rootOf(Throwable error) {
        Throwable found = error;
        while (found.getCause() != null) {
            found = found.getCause();
        }
        return found;
    }

    private static String json(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            if (one == '"' || one == '\\') {
                made.append('\\').append(one);
            } else if (one < ' ') {
                made.append(String.format("\\u%04x", (int) one));
            } else {
                made.append(one);
            }
        }
        return made.append('"').toString();
    }
}
