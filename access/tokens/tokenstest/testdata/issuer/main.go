// Command issuer is an OpenID Connect provider for tests, on the library and
// the example storage of zitadel/oidc: discovery, JWKS and signing are theirs.
// It listens on the address that it is given. Tokens are got with the client
// credentials grant; their claims, audience and life are asked for by scopes.
// POST /rotate makes it sign with a new key from then on. Where it is given a
// second argument, people sign in for the client boxoffice, which has no secret, or
// boxoffice-pages, which has one, and are sent back there; they have the role support.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	address := os.Args[1]
	issuer := "http://" + address
	if len(os.Args) > 2 {
		storage.RegisterClients(storage.NativeClient("boxoffice", os.Args[2]), storage.WebClient("boxoffice-pages", "s3cret", os.Args[2]))
	}
	s := &issuerStorage{Storage: storage.NewStorage(storage.NewUserStore(issuer))}
	s.rotate()
	router := exampleop.SetupServer(issuer, s, slog.New(slog.DiscardHandler), false, op.WithAllowInsecure())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rotate", func(http.ResponseWriter, *http.Request) { s.rotate() })
	mux.Handle("/", router)
	log.Fatal(http.ListenAndServe(address, mux))
}

// An issuerStorage is the library's example storage, with keys that rotate and
// tokens that are what their scopes say.
type issuerStorage struct {
	*storage.Storage
	mu  sync.Mutex
	key signingKey
}

type signingKey struct {
	id  string
	key *rsa.PrivateKey
}

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) ID() string                                  { return k.id }

type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.key.PublicKey }

func (s *issuerStorage) rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = signingKey{uuid.NewString(), key}
}

func (s *issuerStorage) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, nil
}

func (s *issuerStorage) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []op.Key{publicKey{s.key}}, nil
}

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

func (s *issuerStorage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	client, err := s.Storage.ClientCredentials(ctx, id, secret)
	return jwtClient{client}, err
}

func (s *issuerStorage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: id, Audience: []string{scoped(scopes, "aud:")}, Scopes: scopes}, nil
}

func (s *issuerStorage) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	asked := scoped(r.GetScopes(), "life:")
	if asked == "" {
		return s.Storage.CreateAccessToken(ctx, r)
	}
	life, err := time.ParseDuration(asked)
	return uuid.NewString(), time.Now().Add(life), err
}

func (s *issuerStorage) GetPrivateClaimsFromScopes(_ context.Context, _, _ string, scopes []string) (map[string]any, error) {
	text, err := base64.RawURLEncoding.DecodeString(scoped(scopes, "claims:"))
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(text, &claims)
}

// SetUserinfoFromScopes is what stands in the token of somebody who signs in.
func (s *issuerStorage) SetUserinfoFromScopes(ctx context.Context, info *oidc.UserInfo, userID, clientID string, scopes []string) error {
	err := s.Storage.SetUserinfoFromScopes(ctx, info, userID, clientID, scopes)
	info.PreferredUsername = "bea"
	info.AppendClaims("role", "support")
	return err
}

// scoped returns what follows the prefix in the scope that has it.
func scoped(scopes []string, prefix string) string {
	for _, scope := range scopes {
		if value, ok := strings.CutPrefix(scope, prefix); ok {
			return value
		}
	}
	return ""
}
