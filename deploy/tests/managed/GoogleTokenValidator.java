import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Validates tokens as Google's Managed Service for Apache Kafka documents them: three parts in base64url, of which the
 * third is an access token of Google. That is opaque, so Google is asked for its account and its remaining life.
 *
 * <p>Properties of the broker: {@code google.check.url}, the URL that is asked; {@code google.account}, the only
 * account that may connect.
 */
public final class GoogleTokenValidator implements AuthenticateCallbackHandler {
    private static final Logger LOG = LoggerFactory.getLogger(GoogleTokenValidator.class);
    private static final int TIMEOUT_MS = 4000;
    private final ObjectMapper json = new ObjectMapper();
    private String google;
    private String account;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        google = (String) configs.get("google.check.url");
        account = (String) configs.get("google.account");
    }

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            if (callback instanceof OAuthBearerValidatorCallback) {
                validate((OAuthBearerValidatorCallback) callback);
            } else if (callback instanceof OAuthBearerExtensionsValidatorCallback) {
                // Clients send none.
                LOG.debug("extensions are ignored");
            } else {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    private void validate(OAuthBearerValidatorCallback callback) {
        try {
            callback.token(accepted(callback.tokenValue()));
        } catch (IOException | IllegalArgumentException reason) {
            LOG.warn("refused a token: {}", reason.getMessage());
            callback.error("invalid_token", null, null);
        }
    }

    private OAuthBearerToken accepted(String value) throws IOException {
        String[] parts = value.split("\\.", -1);
        require(parts.length == 3, "it has " + parts.length + " parts");
        JsonNode header = json.readTree(decoded(parts[0]));
        JsonNode claims = json.readTree(decoded(parts[1]));
        require(header.path("alg").asText().equals("GOOG_OAUTH2_TOKEN"), "its algorithm is another");
        require(header.path("typ").asText().equals("JWT"), "its type is another");
        require(claims.path("iss").asText().equals("Google"), "its issuer is another");
        require(claims.path("scope").asText().equals("kafka"), "its scope is another");
        require(claims.path("sub").asText().equals(account), "its account is another");
        require(claims.path("exp").asLong() * 1000 > System.currentTimeMillis(), "it has expired");
        JsonNode known = ask(new String(decoded(parts[2]), StandardCharsets.UTF_8));
        require(known.path("email").asText().equals(account), "Google issued it to another account");
        long expiresAt = System.currentTimeMillis() + known.path("expires_in").asLong() * 1000;
        return new Accepted(value, account, claims.path("iat").asLong() * 1000, expiresAt);
    }

    private static byte[] decoded(String part) {
        return Base64.getUrlDecoder().decode(part);
    }

    private static void require(boolean holds, String otherwise) throws IOException {
        if (!holds) {
            throw new IOException(otherwise);
        }
    }

    private JsonNode ask(String accessToken) throws IOException {
        URI uri = URI.create(google + "?access_token=" + accessToken);
        HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
        connection.setConnectTimeout(TIMEOUT_MS);
        connection.setReadTimeout(TIMEOUT_MS);
        try {
            require(connection.getResponseCode() == 200, "Google does not know it, or it has expired there");
            return json.readTree(connection.getInputStream());
        } finally {
            connection.disconnect();
        }
    }

    private static final class Accepted implements OAuthBearerToken {
        private final String value;
        private final String principal;
        private final long startTimeMs;
        private final long expiresAtMs;

        Accepted(String value, String principal, long startTimeMs, long expiresAtMs) {
            this.value = value;
            this.principal = principal;
            this.startTimeMs = startTimeMs;
            this.expiresAtMs = expiresAtMs;
        }

        @Override
        public String value() {
            return value;
        }

        @Override
        public Set<String> scope() {
            return Set.of("kafka");
        }

        @Override
        public long lifetimeMs() {
            return expiresAtMs;
        }

        @Override
        public String principalName() {
            return principal;
        }

        @Override
        public Long startTimeMs() {
            return startTimeMs;
        }
    }
}
