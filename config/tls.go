package config

// TLS is how a listener speaks TLS: its certificates, and whom it answers.
type TLS struct {
	// Cert is the PEM file of the certificate chain.
	Cert string `yaml:"cert"`
	// Key is the PEM file of the private key.
	Key string `yaml:"key"`
	// Certificates are further ones. A client gets the first that has the name that it asks for (SNI) and an algorithm that it knows; where none has the name, the first of all.
	Certificates []Certificate `yaml:"certificates"`
	// Names says which clients are answered: served, those that ask for a name under apis[].hosts, and those that ask for none where an address is among the hosts (all, where an API has no hosts); or any. Others end in the alert unrecognized_name. Default served.
	Names string `yaml:"names" enum:"served,any"`
}

// Certificate is a certificate and its key.
type Certificate struct {
	// Cert is the PEM file of the certificate chain.
	Cert string `yaml:"cert"`
	// Key is the PEM file of the private key.
	Key string `yaml:"key"`
}

// Pairs are all certificates, in the order in which they are preferred.
func (t *TLS) Pairs() []Certificate {
	if t.Cert == "" && t.Key == "" {
		return t.Certificates
	}
	return append([]Certificate{{t.Cert, t.Key}}, t.Certificates...)
}

// TLSFiles are the files of certificates and keys that the config names, wherever it does. Some may be named twice.
func (c *Config) TLSFiles() []string {
	var list []string
	for _, f := range c.tlsFiles() {
		if *f != "" {
			list = append(list, *f)
		}
	}
	return list
}

func (c *Config) tlsFiles() []*string {
	files := c.Admin.TLS.files()
	for i := range c.Listen {
		files = append(files, c.Listen[i].TLS.files()...)
	}
	for i := range c.APIs {
		u := &c.APIs[i].Upstream
		files = append(files, &u.CA, &u.Cert, &u.Key)
	}
	return files
}

func (t *TLS) files() []*string {
	if t == nil {
		return nil
	}
	files := []*string{&t.Cert, &t.Key}
	for i := range t.Certificates {
		files = append(files, &t.Certificates[i].Cert, &t.Certificates[i].Key)
	}
	return files
}
