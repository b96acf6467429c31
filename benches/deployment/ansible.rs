//! The same deployment with Ansible, as fast as its documentation knows how: pipelining, connections that persist, no
//! facts gathered, the interpreter named.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use migrate::core::Digest;

use super::processes::{Process, run};
use super::site::Site;

const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The system's: the same for Ansible itself and on the hosts.
const PYTHON: &str = "/usr/bin/python3";

/// The virtualenv with Ansible, made when there is none for these requirements.
pub fn virtualenv() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cache = std::env::var_os("LAB_CACHE").map_or_else(|| root.join("lab/.cache"), PathBuf::from);
    let digest = Digest::of(REQUIREMENTS.as_bytes()).to_string();
    let place = cache.join(format!("ansible-{}", &digest[..12]));
    if !place.join("complete").exists() {
        println!("installing Ansible from PyPI into {}", place.display());
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&cache).unwrap();
        run(Command::new(PYTHON).args(["-m", "venv"]).arg(&place), "python3-venv");
        let mut install = Command::new(place.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r"]);
        run(install.arg(root.join("benches/deployment/requirements.txt")), "python3-venv");
        fs::write(place.join("complete"), "").unwrap();
    }
    place
}

pub struct Ansible<'a> {
    site: &'a Site,
    program: PathBuf,
}

impl<'a> Ansible<'a> {
    pub fn new(site: &'a Site, virtualenv: &Path) -> Self {
        let path = site.path("");
        let configuration = format!(
            "[defaults]\ninventory = {path}inventory.yaml\nhome = {path}ansible\nlocal_tmp = {path}ansible/local\n\
             interpreter_python = {PYTHON}\nremote_tmp = {path}ansible/remote\nnocows = True\n[ssh_connection]\n\
             pipelining = True\nssh_args = -F {path}ssh_config -o ControlMaster=auto -o \
             ControlPersist=60s\ncontrol_path = {sockets}/ansible-%%n\n",
            path = path.display(),
            sockets = site.sockets().display(),
        );
        fs::write(site.path("ansible.cfg"), configuration).unwrap();
        let mut inventory = "production:\n  hosts:\n".to_owned();
        for host in &site.hosts {
            writeln!(inventory, "    {host}: {{ root: {} }}", site.root(host).display()).unwrap();
        }
        fs::write(site.path("inventory.yaml"), inventory).unwrap();
        Self { site, program: virtualenv.join("bin/ansible-playbook") }
    }

    /// Deploys; how long it took, the opening of the connections included. They stay open, and are closed afterwards.
    pub fn deploy(&self) -> Duration {
        let log = self.site.path("ansible.log");
        let mut command = Command::new(&self.program);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/deployment/playbook.yaml"));
        command.env("ANSIBLE_CONFIG", self.site.path("ansible.cfg")).env("LC_ALL", "C.UTF-8");
        let began = Instant::now();
        let status = Process::start(&mut command, &log).wait();
        let took = began.elapsed();
        assert!(status.success(), "ansible-playbook: {status}\n{}", fs::read_to_string(log).unwrap());
        for host in &self.site.hosts {
            let socket = self.site.sockets().join(format!("ansible-{host}"));
            run(self.site.ssh().arg("-S").arg(socket).args(["-O", "exit", host]), "openssh-client");
        }
        took
    }
}
