%% SPDX-License-Identifier: Apache-2.0
%% Programs as ports, by erl_child_setup: cat and its answers, exit status, environment, many at once, one that is killed, os:cmd.
-module(ports).
-export([main/0]).

main() ->
    Cat = open_port({spawn, "cat"}, [binary, stream]),
    port_command(Cat, "through cat\n"),
    receive {Cat, {data, Data}} -> io:format("~p~n", [Data]) end,
    {os_pid, Pid} = erlang:port_info(Cat, os_pid),
    port_close(Cat),
    io:format("cat is gone: ~p~n", [gone(Pid, 100)]),
    io:format("os:cmd: ~p~n", [os:cmd("echo out; echo err >&2; printf '%s' \"$HOME\"")]),
    io:format("status: ~p~n", [run("sh", ["-c", "echo before; exit 7"], [])]),
    io:format("killed: ~p~n", [run("sh", ["-c", "kill -9 $$"], [])]),
    io:format("env and cd: ~p~n", [run("sh", ["-c", "echo $A-$HOME; pwd"], [{env, [{"A", "b"}, {"HOME", false}]}, {cd, "/usr"}])]),
    io:format("no such program: ~p~n", [catch open_port({spawn_executable, "/none"}, [])]),
    io:format("100 at once: ~p~n", [erlang:phash2(parallel([fun() -> run("sh", ["-c", io_lib:format("echo ~b; exit ~b", [N, N])], []) end
                                                           || N <- lists:seq(1, 100)]))]),
    io:format("100 os:cmd: ~p~n", [lists:sum([list_to_integer(os:cmd("printf " ++ integer_to_list(N))) || N <- lists:seq(1, 100)])]),
    packets(), large(),
    io:format("zombies: ~p~n", [os:cmd("grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l")]).

gone(_, 0) -> false;
gone(Pid, Tries) ->
    case filelib:is_dir("/proc/" ++ integer_to_list(Pid)) of
        false -> true;
        true -> timer:sleep(50), gone(Pid, Tries - 1)
    end.

run(Program, Arguments, Options) ->
    Port = open_port({spawn_executable, os:find_executable(Program)}, [{args, Arguments}, exit_status, binary | Options]),
    collect(Port, <<>>).

collect(Port, Seen) ->
    receive
        {Port, {data, Data}} -> collect(Port, <<Seen/binary, Data/binary>>);
        {Port, {exit_status, Status}} -> {Seen, Status}
    end.

packets() ->
    Port = open_port({spawn, "cat"}, [binary, {packet, 4}]),
    Sizes = [1, 100, 4096, 65536, 300000],
    [port_command(Port, binary:copy(<<"p">>, Size)) || Size <- Sizes],
    io:format("packets: ~p~n", [[receive {Port, {data, Data}} -> byte_size(Data) end || _ <- Sizes]]),
    port_close(Port).

%% More than a pipe holds, in both directions at once.
large() ->
    Port = open_port({spawn, "tr a-z A-Z 2>/dev/null"}, [binary, stream]),
    Main = self(),
    Count = 3000000,
    Reader = spawn_link(fun() -> Main ! {sum, bytes(Port, Count, 0)} end),
    true = erlang:port_connect(Port, Reader),
    unlink(Port),
    %% tr may keep what its buffer holds until its input ends, so it gets a little more than is waited for: for the rest the port is gone.
    spawn_link(fun() -> [catch erlang:port_command(Port, binary:copy(<<"abcde">>, 2000)) || _ <- lists:seq(1, 330)] end),
    receive {sum, Sum} -> io:format("large: ~p~n", [Sum]) end.

bytes(_, Left, Sum) when Left =< 0 -> Sum > 0;
bytes(Port, Left, Sum) ->
    receive {Port, {data, Data}} ->
        nomatch = re:run(Data, "[^A-E]"),
        bytes(Port, Left - byte_size(Data), Sum + byte_size(Data))
    end.

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].
