// This file is where the configuration says that the master key is.

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"boxoffice/eventstore/vault"
)

// masterKey is the key that wraps the users' keys: in the data directory, where
// it is made, or where the configuration says; and the one before, while it is
// exchanged. The configuration has been checked.
func (c *config) masterKey() vault.MasterKey {
	key := masterKeyAt(c.MasterKey)
	if c.MasterKey == "" {
		key = vault.FileMasterKey(c.masterKeyFile(), true)
	}
	if c.OldMasterKey == "" {
		return key
	}
	return vault.Replacing(key, masterKeyAt(c.OldMasterKey))
}

// masterKeyAt is the key at a path or a URI that checkMasterKeys has found good.
func masterKeyAt(location string) vault.MasterKey {
	if key, err := vault.KMSMasterKey(location); err == nil {
		return key
	}
	return vault.FileMasterKey(location, false)
}

// masterKeyFile is the key-set file, where the master key is one.
func (c *config) masterKeyFile() string {
	if c.MasterKey != "" {
		return c.MasterKey
	}
	return filepath.Join(c.DataDir, "master-key.json")
}

// checkMasterKeys checks where the master keys are said to be.
func (c *config) checkMasterKeys() error {
	if !c.settingsHave("master-key") {
		return nil
	}
	if c.DatabaseURL != "" && c.MasterKey == "" {
		return errors.New("BOXOFFICE_MASTER_KEY: required with PostgreSQL: the key that wraps the users' keys, " +
			"in a file (`boxoffice keys new-master FILE` makes one) or a key management service (aws-kms://…)")
	}
	for setting, location := range map[string]string{"BOXOFFICE_MASTER_KEY": c.MasterKey, "BOXOFFICE_OLD_MASTER_KEY": c.OldMasterKey} {
		if !vault.IsKMSURI(location) {
			continue
		}
		if _, err := vault.KMSMasterKey(location); err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	return nil
}

// needMasterKey fails where the key is to be in files that aren't there: nothing
// makes them, so a service that waits for its database needn't wait for it.
func (c *config) needMasterKey() error {
	for setting, location := range map[string]string{"BOXOFFICE_MASTER_KEY": c.MasterKey, "BOXOFFICE_OLD_MASTER_KEY": c.OldMasterKey} {
		if location == "" || vault.IsKMSURI(location) {
			continue
		}
		if _, err := os.Stat(location); err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	return nil
}

// nameMasterKey names the setting where a master key is what is wrong.
func nameMasterKey(err error) error {
	switch {
	case errors.Is(err, vault.ErrOldMasterKey):
		return fmt.Errorf("BOXOFFICE_OLD_MASTER_KEY: %w", err)
	case errors.Is(err, vault.ErrNoMasterKey), errors.Is(err, vault.ErrWrongMasterKey), errors.Is(err, vault.ErrKMS):
		return fmt.Errorf("BOXOFFICE_MASTER_KEY: %w", err)
	}
	return err
}

// errNotAFile is what commands that change a key-set file say of a URI.
var errNotAFile = errors.New("this is about key-set files: a key of a key management service is made, exchanged and removed there " +
	"(`boxoffice keys rotate-master --help` says how to go from one master key to another)")
