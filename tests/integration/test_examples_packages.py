"""docs/packages.md: the two files that protect a folder. tests/packages has them installed."""

from support import pages, tokens
from support.pages import changed, example
from support.refusal import assert_refusal

PACKAGES = "docs/packages.md"
AUDIENCE = "https://hello-world.example.com"


@example("Protect a folder", PACKAGES, "server_block")
@example("Protect a folder 2", PACKAGES, "htaccess_block")
def test_the_two_files_of_the_page_protect_a_folder(httpd, issuer, server_block,
                                                    htaccess_block):
    assert pages.is_htaccess(htaccess_block)
    htaccess = pages.with_issuer(issuer, htaccess_block)
    trusted = f"Auth0CAFile {issuer.ca_file}\nAuth0TrustedDomains {issuer.domain}\n"
    allowed = changed(server_block, {"/var/www/html": '"${DOCS}"'})
    good = issuer.mint(aud=AUDIENCE)
    server = httpd(trusted + allowed, files={"htdocs/page": "the page",
                                             "htdocs/.htaccess": htaccess})
    assert_refusal(server.get("/page"), "E1")
    assert_refusal(server.get("/page", tokens.tampered(good)), "E3", reason="signature_invalid")
    assert server.get("/page", good).text == "the page"
    # Without the server's word httpd does not read the file.
    open_to_all = httpd(trusted, files={"htdocs/page": "the page", "htdocs/.htaccess": htaccess})
    assert open_to_all.get("/page").status == 200
