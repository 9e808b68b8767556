"""Servers that speak TLS alone, with us and with each other."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from servers.clickhouse import DATABASE, Cluster, running

from calltally.engines import Engine, engine_status, open_engine, prepare_engine
from calltally.errors import CalltallyError, InvalidRequest, Unavailable
from calltally.folder import DataFolder
from calltally.ingestion import Delivery, deliver
from calltally.settings import Settings
from tests.asking import import_records, report
from tests.conftest import NewBusiness

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("secure")]

CALLS = [
    {"id": f"c{n}", "started_at": f"2026-03-0{1 + n % 9}T10:00:00Z", "source": f"s{n % 3}", "from": f"+130555512{n:02}"}
    for n in range(40)
]
QUESTION = "group_by=source,date&metrics=count,unique_callers"
TLS = """<openSSL><server>
<certificateFile>{certificate}</certificateFile><privateKeyFile>{key}</privateKeyFile></server>
<client><caConfig>{ca}</caConfig><loadDefaultCAFile>false</loadDefaultCAFile><verificationMode>strict</verificationMode>
<invalidCertificateHandler><name>RejectCertificateHandler</name></invalidCertificateHandler></client></openSSL></yandex>"""


@dataclass(frozen=True)
class Certificates:
    """A certificate for 127.0.0.1 and no other name, and that of who signed it."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def stranger(self) -> Path:
        """That of somebody who signed nothing."""
        return self.folder / "stranger.pem"

    @property
    def of_server(self) -> tuple[Path, Path]:
        """The certificate of the servers, and its key."""
        return self.folder / "server.pem", self.folder / "server.key"


def signed(folder: Path) -> Certificates:
    """Certificates that are good for a day."""
    folder.mkdir()
    elliptic = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for name in ("ca", "stranger"):
        openssl(folder, f"req -x509 {elliptic} -keyout {name}.key -out {name}.pem -subj /CN={name} -days 1")
    openssl(folder, f"req {elliptic} -keyout server.key -out server.csr -subj /CN=server")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    of_ca = "-CA ca.pem -CAkey ca.key -CAcreateserial"
    openssl(folder, f"x509 -req -in server.csr {of_ca} -days 1 -extfile names -out server.pem")
    return Certificates(folder)


def openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


def let_speak_tls(cluster: Cluster, certificates: Certificates, trusted: Path) -> None:
    """Start the servers anew, with TLS alone on the same ports; of each other they trust what this one has signed."""
    certificate, key = certificates.of_server
    tls = TLS.format(certificate=certificate, key=key, ca=trusted)
    for node in cluster.nodes:
        node.kill()
        config = node.folder / "config.xml"
        text = re.sub(r"<tcp_port>(\d+)</tcp_port>", r"<tcp_port_secure>\1</tcp_port_secure>", config.read_text())
        text = text.replace("<replica><host>", "<replica><secure>1</secure><host>")
        config.write_text(re.sub(r"(<openSSL>.*)?</yandex>", lambda _: tls, text, flags=re.DOTALL))
    for node in cluster.nodes:
        node.start()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return signed(tmp_path_factory.mktemp("certificates") / "made")


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, new_business: NewBusiness
) -> Iterator[tuple[Cluster, dict[str, Any]]]:
    """A cluster as it is before it speaks TLS, and a report that it gave."""
    path = tmp_path_factory.mktemp("cluster")
    with running(path / "servers") as cluster:
        prepare_engine(Settings(engine=cluster.url))
        with opened(cluster.url, path) as engine:
            business = new_business()
            import_records(engine, business, CALLS, path)
            yield cluster, report(engine, business, QUESTION)


@pytest.fixture(scope="module")
def secure(plain: tuple[Cluster, dict[str, Any]], certificates: Certificates) -> Cluster:
    """The same cluster once it speaks TLS."""
    let_speak_tls(plain[0], certificates, certificates.ca)
    return plain[0]


def opened(url: str, path: Path) -> "closing[Engine]":
    return closing(open_engine(DataFolder(path / "data"), Settings(engine=url, memory="500MB", threads=2)))


def test_servers_that_do_not_speak_tls_are_told(plain: tuple[Cluster, dict[str, Any]]) -> None:
    refused = refusal(f"{plain[0].url}&secure=true")
    assert "does not speak TLS there: with secure=true CALLTALLY_ENGINE has to say its secure port" in refused


@pytest.mark.parametrize("trust", ["ca=CA", "verify=false"])
def test_a_cluster_that_speaks_tls_is_as_any_other(
    plain: tuple[Cluster, dict[str, Any]],
    secure: Cluster,
    certificates: Certificates,
    new_business: NewBusiness,
    tmp_path: Path,
    trust: str,
) -> None:
    database = trust.partition("=")[0]
    trusting = f"{secure.url}&secure=true&{trust.replace('CA', str(certificates.ca))}"
    url = trusting.replace(f"/{DATABASE}?", f"/{database}?")
    assert len(prepare_engine(Settings(engine=url))) == 2 * 7
    with opened(url, tmp_path) as engine:
        business = new_business()
        import_records(engine, business, CALLS[:30], tmp_path)
        deliver([Delivery(call, 1) for call in CALLS[20:]], business, engine)
        assert report(engine, business, QUESTION) == plain[1]
    found = engine_status(Settings(engine=url)).servers
    assert [server.problem for server in found] == [None, None]
    assert all(server.rows for server in found)


def refusal(url: str) -> str:
    """What is said by whatever is done with a cluster, which is the same."""
    said = set()
    for use in (prepare_engine, engine_status):
        with pytest.raises(CalltallyError) as caught:
            use(Settings(engine=url))
        said.add(str(caught.value))
        assert "a:b@c" not in repr(caught.value) + repr(caught.value.__cause__)
        assert "a%3Ab" not in repr(caught.value) + repr(caught.value.__cause__)
    [message] = {re.sub(r":\d+", ":PORT", each) for each in said}
    return message


def test_what_cannot_be_trusted_is_refused_and_told(secure: Cluster, certificates: Certificates) -> None:
    untrusted = "The certificate of 127.0.0.1:PORT is not trusted: unable to get local issuer certificate. "
    what_to_do = "If it is good, name the file of those who signed it in CALLTALLY_ENGINE: ca=FILE"
    for trust in ("", f"&ca={certificates.stranger}"):
        assert refusal(f"{secure.url}&secure=true{trust}") == untrusted + what_to_do
    misnamed = secure.url.replace("127.0.0.1", "localhost")
    assert refusal(f"{misnamed}&secure=true&ca={certificates.ca}") == (
        "The certificate of localhost:PORT is not trusted: "
        "Hostname mismatch, certificate is not valid for 'localhost'. "
        "Name the server as its certificate does, in CALLTALLY_ENGINE and in remote_servers of the servers"
    )
    with pytest.raises(Unavailable, match="The database does not answer"):
        prepare_engine(Settings(engine=secure.url))


@pytest.mark.parametrize(("name", "why"), [("missing.pem", "No such file"), ("server.key", "no certificate")])
def test_a_file_of_certificates_that_is_none_is_told(certificates: Certificates, name: str, why: str) -> None:
    ca = certificates.folder / name
    with pytest.raises(InvalidRequest, match=f"CALLTALLY_ENGINE: ca={ca} cannot be read as certificates.*{why}"):
        prepare_engine(Settings(engine=f"clickhouse://me:secret@127.0.0.1/calltally?secure=true&ca={ca}"))


def test_servers_that_do_not_trust_each_other_are_told(
    secure: Cluster, certificates: Certificates, new_business: NewBusiness, tmp_path: Path
) -> None:
    url, business = f"{secure.url}&secure=true&ca={certificates.ca}", new_business()
    let_speak_tls(secure, certificates, certificates.stranger)
    try:
        with opened(url, tmp_path) as engine, pytest.raises(Unavailable) as caught:
            report(engine, business, QUESTION)
    finally:
        let_speak_tls(secure, certificates, certificates.ca)
    assert str(caught.value) == (
        "The servers of the database do not trust each other's certificates: "
        "see <openSSL><client> in their configuration"
    )
    with opened(url, tmp_path) as engine:
        assert report(engine, business, QUESTION)["data"]["totals"]["count"] == 0
