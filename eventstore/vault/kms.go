// This file is a master key that a key management service keeps and never
// hands out: what is to be wrapped or unwrapped goes there. That is a few short
// texts when a store is opened and when a wrapping key is exchanged.

package vault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrKMS says that a key management service didn't wrap or unwrap, for a
	// reason that isn't which key it is: it may be another one the next time.
	ErrKMS = errors.New("the key management service doesn't do what it is asked")
	// ErrKMSURI says that a URI names no key of a service that is known.
	ErrKMSURI = errors.New("a URI has to name a key of AWS KMS, aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID; " +
		"other key management services aren't supported, and a key-set file is named by its path alone")
)

const (
	awsKMSPrefix = "aws-kms://"
	// kmsPatience is how long one call of a key management service may take, with
	// the SDK's own further tries.
	kmsPatience = 10 * time.Second
)

var awsKeyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9:/_-]+$`)

// IsKMSURI says whether a text that names a master key is meant as a URI of a
// key management service, be it one that is known or not.
func IsKMSURI(text string) bool { return strings.Contains(text, "://") }

// KMSMasterKey is the key of a key management service that a URI names. It is
// never made here. The error is ErrKMSURI where the service isn't known or the
// URI names no key.
func KMSMasterKey(uri string) (MasterKey, error) {
	arn, ok := strings.CutPrefix(uri, awsKMSPrefix)
	if !ok || !awsKeyARN.MatchString(arn) {
		return nil, ErrKMSURI
	}
	return awsMasterKey{arn}, nil
}

// An awsMasterKey is a key of AWS KMS. Credentials and endpoint come from where
// the AWS SDK looks for them.
type awsMasterKey struct{ arn string }

func (m awsMasterKey) Load(ctx context.Context) (tink.AEADWithContext, error) {
	client, err := awskms.NewAEADWithContext(ctx, m.arn)
	if err != nil {
		return nil, fmt.Errorf("%w: the settings of the AWS SDK can't be used: %w", ErrKMS, err)
	}
	return awsAEAD{client}, nil
}

func (m awsMasterKey) LoadOrMake(ctx context.Context) (tink.AEADWithContext, error) {
	return m.Load(ctx)
}

// An awsAEAD limits each call's time, and says what its errors mean.
type awsAEAD struct{ client tink.AEADWithContext }

func (a awsAEAD) EncryptWithContext(ctx context.Context, plaintext, associated []byte) ([]byte, error) {
	return awsCall(ctx, a.client.EncryptWithContext, plaintext, associated)
}

func (a awsAEAD) DecryptWithContext(ctx context.Context, ciphertext, associated []byte) ([]byte, error) {
	return awsCall(ctx, a.client.DecryptWithContext, ciphertext, associated)
}

func awsCall(ctx context.Context, call func(context.Context, []byte, []byte) ([]byte, error), text, associated []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, kmsPatience)
	defer cancel()
	result, err := call(limited, text, associated)
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, fmt.Errorf("%w: AWS KMS didn't answer within %s: see to it that it can be reached from here: %w", ErrKMS, kmsPatience, limited.Err())
	}
	return nil, awsMeaning(err)
}

// awsMeaning says what an error of AWS KMS means and what to do about it.
func awsMeaning(err error) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("%w: AWS KMS can't be asked: see to it that it can be reached from here, and that the AWS SDK finds "+
			"credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of this machine): %w", ErrKMS, err)
	}
	switch answer.ErrorCode() {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return ErrWrongMasterKey
	case "NotFoundException":
		return fmt.Errorf("%w: AWS KMS has no key of this ARN", ErrNoMasterKey)
	case "AccessDeniedException":
		return fmt.Errorf("%w: AWS KMS denies it: allow kms:Encrypt and kms:Decrypt on the key to whom the credentials are of: %w", ErrKMS, err)
	case "DisabledException", "KMSInvalidStateException":
		return fmt.Errorf("%w: the key of AWS KMS can't be used in its state: enable it, or cancel its deletion: %w", ErrKMS, err)
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "ExpiredTokenException",
		"MissingAuthenticationTokenException", "IncompleteSignature":
		return fmt.Errorf("%w: AWS KMS doesn't take the credentials: see to it that they are good and the clock is right: %w", ErrKMS, err)
	}
	return fmt.Errorf("%w: AWS KMS says: %w", ErrKMS, err)
}
