-- auth-service's `users`, widened by hand until user-service works on it as well. [inferred] The one way in which both
-- could ever have shared a table: every column has a default, so that each service's INSERT passes.
ALTER TABLE users
    ALTER password_hash SET DEFAULT '!',
    ADD display_name varchar(200) NOT NULL DEFAULT '', ADD avatar text NOT NULL DEFAULT '',
    ADD bio text NOT NULL DEFAULT '', ADD phone varchar(50) NOT NULL DEFAULT '',
    ADD phone_verified boolean NOT NULL DEFAULT false, ADD preferences jsonb DEFAULT '{}',
    ADD metadata jsonb DEFAULT '{}', ADD deleted_at timestamptz;
