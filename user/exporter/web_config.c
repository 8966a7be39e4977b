/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifdef WITH_MHD
#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <strings.h>
#include "exporter/web.h"
#include "lib/grow.h"
#include "lib/file.h"
#include "lib/library.h"
#include "lib/log.h"
#include "lib/yaml.h"
#include "libraries.h"

#define PEM_LIMIT (1 << 20)
#define CHECK_MS 1000
/* A cost of 10 takes up to a tenth of a second, and any client may ask for it. */
#define BCRYPT "^[$]2[aby][$](0[4-9]|10)[$][./0-9A-Za-z]{53}$"

#ifdef CRYPT_SONAME
#define FUNCTIONS(X) X(crypt_r)
static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} crypt_library;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

static bool can_check(char why[LIBRARY_WHY_LEN])
{
	return !LIBRARY_OPEN(&library_crypt, functions, &crypt_library, why);
}
#define crypt_r crypt_library.crypt_r
#else	/* a C library that has crypt_r() itself, such as musl */
static bool can_check(char why[LIBRARY_WHY_LEN])
{
	return true;
}
#endif

/* ---- reading ---- */

struct reading {
	char certificate[256], key[256];
	struct web_config *config;
};

static bool is_hash(const char *text)
{
	regex_t regex;
	bool found = !regcomp(&regex, BCRYPT, REG_EXTENDED | REG_NOSUB) &&
		     !regexec(&regex, text, 0, NULL, 0);

	regfree(&regex);
	return found;
}

static void add_user(struct yaml *y, const struct yaml_key *key, struct yaml_node *name,
		     struct web_config *c)
{
	const char *hash = yaml_text(y, key, name->next);
	struct web_user *user;

	if (!hash)
		return;
	if (!name->text || !*name->text || strlen(name->text) >= sizeof(user->name) ||
	    strchr(name->text, ':')) {
		yaml_error(y, name, "%s: this cannot be the name of a user: write up to %zu characters without ':'",
			   key->name, sizeof(user->name) - 1);
		return;
	}
	if (!is_hash(hash)) {
		yaml_error(y, name->next, "%s: this is not a hash of bcrypt with a cost from 4 to 10: write the one that `htpasswd -nBC 10 %s` prints",
			   key->name, name->text);
		return;
	}
	user = append(c->users, c->n_users);
	strcpy(user->name, name->text);
	strcpy(user->hash, hash);
}

static void set_users(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	struct reading *r = object;

	if (!value || value->type != YAML_MAP) {
		yaml_error(y, value, "%s: the value must be a mapping: write %s", key->name,
			   key->like);
		return;
	}
	for (struct yaml_node *name = value->first; name; name = name->next->next)
		add_user(y, key, name, r->config);
}

#define AT(f) .offset = offsetof(struct reading, f), .size = sizeof(((struct reading *)NULL)->f)

static const struct yaml_key tls_keys[] = {
	{ "cert_file", yaml_set_text, "server.crt", AT(certificate), .required = true },
	{ "key_file", yaml_set_text, "server.key", AT(key), .required = true },
	{},
};

static const struct yaml_key web_keys[] = {
	{ "tls_server_config", yaml_set_map, "{ cert_file: server.crt, key_file: server.key }",
	  .below = tls_keys },
	{ "basic_auth_users", set_users, "{ prometheus: \"$2y$10$…\" }" },
	{},
};

/* Reads a file whose path begins in the directory of the file `from`. */
static int read_pem(const char *from, const char *path, char **ret)
{
	const char *slash = strrchr(from, '/');
	char *whole = xasprintf("%.*s%s", *path != '/' && slash ? (int)(slash - from + 1) : 0,
				from, path);
	size_t n;
	int r = file_read(whole, PEM_LIMIT, ret, &n);

	if (r)
		log_error("%s: %s: %s", from, whole, strerror(-r));
	free(whole);
	return r;
}

static int read_tree(struct yaml *y, struct web_config *ret)
{
	struct reading r = { .config = ret };
	struct yaml_node *root = yaml_root(y);

	if (root && root->type == YAML_MAP)
		yaml_map(y, root, web_keys, "the file", &r);
	else
		yaml_error(y, root, "the file has no mapping: write tls_server_config: or basic_auth_users:, or {} for neither");
	if (y->errors)
		return -EINVAL;
	if (!*r.certificate)
		return 0;
	return read_pem(y->name, r.certificate, &ret->certificate) ?:
	       read_pem(y->name, r.key, &ret->key);
}

int web_config_read(const char *file, struct web_config *ret)
{
	char *text, why[LIBRARY_WHY_LEN];
	struct web_config c = {};
	struct yaml y;
	size_t n;
	int r = yaml_read(file, &text, &n);

	if (r)
		return r;
	r = yaml_open(&y, text, n, file);
	if (!r) {
		r = read_tree(&y, &c);
		yaml_close(&y);
	}
	free(text);
	if (!r && c.n_users && !can_check(why)) {
		log_error("%s: cannot check passwords: %s", file, why);
		r = -ENOENT;
	}
	if (r)
		web_config_free(&c);
	else
		*ret = c;
	return r;
}

static void forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void web_config_free(struct web_config *c)
{
	free(c->certificate);
	forget(c->key);
	for (size_t i = 0; i < c->n_users; i++)
		forget(c->users[i].accepted);
	free(c->users);
	*c = (struct web_config){};
}

/* ---- requests ---- */

/* Compares secrets in a time that does not depend on where they differ. */
static bool equal_secret(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned char differ = n != m;

	for (size_t i = 0; i <= n; i++)
		differ |= a[i] ^ b[i < m ? i : m];
	return !differ;
}

/* Decodes base64. Returns false if it is something else, or too long. */
static bool decode(const char *text, char *ret, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int word = 0, bits = 0;
	size_t n = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit || n + 1 >= size)
			return false;
		word = word << 6 | (digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			ret[n] = word >> bits;
			if (!ret[n++])
				return false;
		}
	}
	ret[n] = '\0';
	return bits < 6 && !text[strspn(text, "=")];
}

/* Checks a password by bcrypt. For an unknown user it takes the same time. */
static bool is_right(const struct web_config *c, const struct web_user *user, const char *password)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	const char *hash = (user ?: c->users)->hash;
	const char *made = crypt_r(password, hash, data);
	bool right = made && equal_secret(made, hash) && user;

	explicit_bzero(data, sizeof(*data));
	free(data);
	return right;
}

/* Guards `accepted` and `sources`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool was_accepted(const struct web_user *user, const char *password)
{
	bool yes;

	pthread_mutex_lock(&lock);
	yes = user && user->accepted && equal_secret(user->accepted, password);
	pthread_mutex_unlock(&lock);
	return yes;
}

static void accept_password(struct web_user *user, const char *password)
{
	pthread_mutex_lock(&lock);
	forget(user->accepted);
	user->accepted = xstrdup(password);
	pthread_mutex_unlock(&lock);
}

/* Returns whether a password of this client may be checked now, and notes that it is. */
static bool may_check(struct web_config *c, const struct address *from, __u64 now)
{
	struct address source = *from;
	struct web_source *s = NULL, *oldest = c->sources;
	bool may;

	if (source.family == FAMILY_IPV6)
		source.addr.q[1] = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < WEB_SOURCES; i++) {
		if (c->sources[i].next_check && address_equal(&c->sources[i].from, &source))
			s = &c->sources[i];
		if (c->sources[i].next_check < oldest->next_check)
			oldest = &c->sources[i];
	}
	may = !s || now >= s->next_check;
	if (may)
		*(s ?: oldest) = (struct web_source){ source, now + CHECK_MS };
	pthread_mutex_unlock(&lock);
	return may;
}

enum web_admission web_config_admit(struct web_config *c, const char *authorization,
				    const struct address *from, __u64 now)
{
	enum web_admission admission = WEB_UNKNOWN;
	struct web_user *user = NULL;
	char text[256], *password;

	if (!c->n_users)
		return WEB_ADMITTED;
	if (!authorization || strncasecmp(authorization, "Basic ", 6) ||
	    !decode(authorization + 6, text, sizeof(text)) || !(password = strchr(text, ':')))
		return WEB_UNKNOWN;
	*password++ = '\0';
	for (size_t i = 0; i < c->n_users; i++)
		if (!strcmp(c->users[i].name, text))
			user = &c->users[i];
	if (was_accepted(user, password)) {
		admission = WEB_ADMITTED;
	} else if (!may_check(c, from, now)) {
		admission = WEB_BUSY;
	} else if (is_right(c, user, password)) {
		accept_password(user, password);
		admission = WEB_ADMITTED;
	}
	explicit_bzero(text, sizeof(text));
	return admission;
}
#endif
